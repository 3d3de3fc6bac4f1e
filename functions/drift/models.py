"""Which model package is served, and what it was trained on."""

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

logger = logging.getLogger(__name__)

# Old resources are removed when the new ones serve already.
_SETTLED = ("_COMPLETE", "_COMPLETE_CLEANUP_IN_PROGRESS")


def served_package(client: "CloudFormationClient", stack: str, parameter: str) -> str | None:
    """Its ARN; None where none is served, or where the stack changes, so that it may be rolled
    back.
    """
    described = client.describe_stacks(StackName=stack)["Stacks"][0]
    if not described["StackStatus"].endswith(_SETTLED):
        logger.info("%s is in %s: nothing is compared.", stack, described["StackStatus"])
        return None
    parameters = {
        given["ParameterKey"]: given["ParameterValue"] for given in described.get("Parameters", [])
    }
    package = parameters.get(parameter)
    if not package:
        logger.info("%s serves no model.", stack)
    return package or None


@dataclass(frozen=True)
class Trained:
    """Images of the channel train by class, and the URI of the `dataset.json` that says so."""

    counts: dict[str, int]
    uri: str


def trained_on(sagemaker: "SageMakerClient", s3: "S3Client", package: str) -> Trained | None:
    """What the package names as its baseline of data quality, or None where it names none, as
    those do that were registered by hand or before there were any.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DriftCheckModelDataQuality.html
    """
    described = sagemaker.describe_model_package(ModelPackageName=package)
    baselines = described.get("DriftCheckBaselines", {}).get("ModelDataQuality", {})
    uri = baselines.get("Statistics", {}).get("S3Uri")
    if uri is None:
        logger.warning(
            "%s has no DriftCheckBaselines.ModelDataQuality.Statistics: serve a model that the "
            "pipeline registered to have its answers compared.",
            package,
        )
        return None
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    dataset = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
    counts = {label: int(channels["train"]) for label, channels in dataset["counts"].items()}
    return Trained(counts, uri)
