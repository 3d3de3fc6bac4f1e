"""What an endpoint's configuration and its update consist of, by the endpoint's settings."""

from collections.abc import Sequence

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from infra import names
from infra.settings import Endpoint

_Config = sagemaker.CfnEndpointConfig
_Endpoint = sagemaker.CfnEndpoint


def variant(
    settings: Endpoint, model: sagemaker.CfnModel, name: str = names.VARIANT
) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
    """A variant on as many instances, or of as much memory, as the settings say.

    A shadow variant of the weight of the one that answers gets a copy of every request.
    """
    serverless = None
    if settings.mode == "serverless":
        serverless = _Config.ServerlessConfigProperty(
            memory_size_in_mb=settings.serverless_memory_megabytes,
            max_concurrency=settings.serverless_concurrency,
        )
    return _Config.ProductionVariantProperty(
        variant_name=name,
        model_name=model.attr_model_name,
        initial_variant_weight=1,
        serverless_config=serverless,
        instance_type=None if serverless else settings.instance_type,
        initial_instance_count=None if serverless else settings.instance_count,
    )


def data_capture(
    settings: Endpoint, bucket: s3.IBucket
) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty | None:
    """JSON Lines below `captured/<endpoint>/<variant>/yyyy/mm/dd/hh/`, or None for no capture.

    Answers in JSON are kept as text, all else in Base64.
    https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
    """
    if not settings.capture_percent:
        return None
    kept = ["Input", "Output"] if settings.capture_images else ["Output"]
    return _Config.DataCaptureConfigProperty(
        enable_capture=True,
        initial_sampling_percentage=settings.capture_percent,
        # SageMaker would ask for AWS's key where none is named, whatever the bucket's own.
        kms_key_id=bucket.encryption_key.key_arn if bucket.encryption_key else None,
        destination_s3_uri=bucket.s3_url_for_object(names.CAPTURED.rstrip("/")),
        capture_options=[_Config.CaptureOptionProperty(capture_mode=mode) for mode in kept],
        capture_content_type_header=_Config.CaptureContentTypeHeaderProperty(
            json_content_types=["application/json"]
        ),
    )


def asynchronous_inference(
    settings: Endpoint, bucket: s3.IBucket
) -> sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty | None:
    """Answers and failures below `asynchronous/`, or None where answers are given at once.

    Nobody is notified of an answer; the operations stack's alarm tells of failures.
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint.html
    """
    if settings.mode != "asynchronous":
        return None
    return _Config.AsyncInferenceConfigProperty(
        output_config=_Config.AsyncInferenceOutputConfigProperty(
            kms_key_id=bucket.encryption_key.key_arn if bucket.encryption_key else None,
            s3_output_path=bucket.s3_url_for_object(names.ASYNCHRONOUS_ANSWERS),
            s3_failure_path=bucket.s3_url_for_object(names.ASYNCHRONOUS_FAILURES),
        )
    )


def traffic(
    settings: Endpoint, rollback_alarms: Sequence[str]
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty | None:
    """A blue/green update that an alarm takes back, or None for a serverless endpoint, which moves
    all at once and back only if the new model doesn't come up.

    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
    """
    if settings.mode == "serverless":
        return None
    return _Endpoint.DeploymentConfigProperty(
        auto_rollback_configuration=_Endpoint.AutoRollbackConfigProperty(
            alarms=[_Endpoint.AlarmProperty(alarm_name=alarm) for alarm in rollback_alarms]
        ),
        blue_green_update_policy=_Endpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=_routing(settings),
            termination_wait_in_seconds=settings.shift_wait_seconds,
            maximum_execution_timeout_in_seconds=settings.longest_update_seconds,
        ),
    )


def _routing(settings: Endpoint) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    shift = settings.traffic_shift
    step = _Endpoint.CapacitySizeProperty(type="CAPACITY_PERCENT", value=settings.shift_percent)
    return _Endpoint.TrafficRoutingConfigProperty(
        type=shift.upper(),
        wait_interval_in_seconds=settings.shift_wait_seconds,
        canary_size=step if shift == "canary" else None,
        linear_step_size=step if shift == "linear" else None,
    )
