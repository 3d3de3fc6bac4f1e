"""Which requests and answers SageMaker keeps in S3."""

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from infra.settings import Endpoint

PREFIX = "captured/"

_Config = sagemaker.CfnEndpointConfig


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
        destination_s3_uri=bucket.s3_url_for_object(PREFIX.rstrip("/")),
        capture_options=[_Config.CaptureOptionProperty(capture_mode=mode) for mode in kept],
        capture_content_type_header=_Config.CaptureContentTypeHeaderProperty(
            json_content_types=["application/json"]
        ),
    )
