"""FetchServingModel: the model that the endpoint serves now, to compare the new one with."""

import logging
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from drops.s3_uri import S3Uri
from processing.common.arguments import Parser
from processing.common.aws import (
    ONE_STREAM,
    Client,
    broken_bodies_again,
    client,
    refusals_in_a_sentence,
)
from processing.common.container import OPT_ML, UserError, run, write_json

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
NOT_SERVING = ("Creating", "Deleting", "Failed", "OutOfService")
# An update ends with the old model's removal and a new policy of this job's role; IAM takes some
# seconds to know of that.
LOOKS, SECONDS_BETWEEN = 10, 15

logger = logging.getLogger(__name__)


def find_serving_model(sagemaker: Client, endpoint: str) -> tuple[str | None, str] | None:
    """The model that `endpoint` serves: its package's ARN, None where it was made of none, and the
    S3 URI of its model.tar.gz. None where there is no such endpoint or it serves nothing.

    While an update ends, configuration and model may be gone, or not yet be this job's to see: then
    it looks again, for up to some minutes.

    Raises:
        UserError: there are several models, or one that has no archive.
        ClientError: SageMaker refuses, in the end.
    """
    again = Retrying(
        retry=retry_if_exception(_is_being_replaced),
        wait=wait_fixed(SECONDS_BETWEEN),
        stop=stop_after_attempt(LOOKS),
        before_sleep=_say_that_it_looks_again,
        reraise=True,
    )
    return again(_find, sagemaker, endpoint)


def _find(sagemaker: Client, endpoint: str) -> tuple[str | None, str] | None:
    configuration = _configuration_of(sagemaker, endpoint)
    if configuration is None:
        return None
    described = sagemaker.describe_endpoint_config(EndpointConfigName=configuration)
    variant = _only_one(described["ProductionVariants"], endpoint, "production variants")
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    containers = [model["PrimaryContainer"]] if "PrimaryContainer" in model else []
    container = _only_one(containers or model.get("Containers", []), endpoint, "containers")
    package = container.get("ModelPackageName")
    if package is None:
        return None, _archive_of(container, endpoint)
    found = sagemaker.describe_model_package(ModelPackageName=package)
    specified = found["InferenceSpecification"]["Containers"]
    packed = _only_one(specified, endpoint, "containers")
    return found["ModelPackageArn"], _archive_of(packed, endpoint)


def _configuration_of(sagemaker: Client, endpoint: str) -> str | None:
    try:
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
    except ClientError as error:
        if not _says_that_there_is_none(error):
            raise
        logger.info("There is no endpoint %s yet.", endpoint)
        return None
    if described["EndpointStatus"] in NOT_SERVING:
        logger.info("The endpoint %s is %s.", endpoint, described["EndpointStatus"])
        return None
    configuration: str = described["EndpointConfigName"]
    return configuration


def _only_one(described: list[Mapping[str, Any]], endpoint: str, what: str) -> Mapping[str, Any]:
    if len(described) != 1:
        raise UserError(
            f"The endpoint {endpoint} has {len(described)} {what}, and a new model is compared "
            "with one: serve a single model from a single container."
        )
    return described[0]


def _archive_of(container: Mapping[str, Any], endpoint: str) -> str:
    archive: str | None = container.get("ModelDataUrl")
    if archive is None:
        raise UserError(
            f"The model that the endpoint {endpoint} serves has no ModelDataUrl: serve one that "
            "was made with its model.tar.gz."
        )
    return archive


def _is_being_replaced(error: BaseException) -> bool:
    return (
        isinstance(error, ClientError)
        and error.operation_name in ("DescribeEndpointConfig", "DescribeModel")
        and (_code(error) == "AccessDeniedException" or _says_that_there_is_none(error))
    )


def _says_that_there_is_none(error: ClientError) -> bool:
    message = error.response["Error"].get("Message", "")
    return _code(error) == "ValidationException" and message.startswith("Could not find")


def _code(error: ClientError) -> str:
    code: str = error.response["Error"].get("Code", "")
    return code


def _say_that_it_looks_again(state: RetryCallState) -> None:
    failure = state.outcome.exception() if state.outcome else None
    logger.info("The model that is served can't be seen, perhaps while it changes: %s", failure)


def fetch_serving_model(arguments: Sequence[str], root: Path) -> None:
    """Writes `serving.json` and, where a model serves, its `model.tar.gz` below
    `root`/processing/output/serving; asks SageMaker and reads S3.
    """
    parser = Parser("FetchServingModel")
    parser.add_argument("--endpoint", required=True)
    endpoint: str = parser.parse_args(arguments).endpoint
    folder = root / "processing" / "output" / "serving"
    with refusals_in_a_sentence("SageMaker"):
        model = find_serving_model(client("sagemaker"), endpoint)
    package = None
    if model:
        package, archive = model
        with refusals_in_a_sentence("S3"):
            _download(archive, folder / "model.tar.gz")
        logger.info("The endpoint %s serves %s.", endpoint, archive)
    # Last, so that it is never there without the model that it names.
    described = {"schema": 1, "endpoint": endpoint, "model_package_arn": package}
    write_json(folder / "serving.json", described)


@broken_bodies_again
def _download(uri: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    archive = S3Uri.parse(uri)
    try:
        client("s3").download_file(archive.bucket, archive.key, str(path), Config=ONE_STREAM)
    except ClientError as error:
        if error.response["Error"].get("Code") not in ("404", "NoSuchKey"):
            raise
        raise UserError(
            f"The archive of the model that is served, {uri}, is not there any more: restore it, "
            "or serve another model."
        ) from error


if __name__ == "__main__":
    sys.exit(run(fetch_serving_model, sys.argv[1:], OPT_ML))
