"""Where an asynchronous endpoint takes its requests from and puts its answers."""

from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker

from infra.settings import Endpoint

REQUESTS = "asynchronous/requests/"
ANSWERS = "asynchronous/answers/"
FAILURES = "asynchronous/failures/"

_Config = sagemaker.CfnEndpointConfig


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
            s3_output_path=bucket.s3_url_for_object(ANSWERS),
            s3_failure_path=bucket.s3_url_for_object(FAILURES),
        )
    )
