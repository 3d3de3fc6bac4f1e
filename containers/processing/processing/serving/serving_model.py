"""From an endpoint's name to the archive of the model that it serves."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError  # type: ignore[import-untyped]
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from processing.aws import Client
from processing.container import UserError

# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
NOT_SERVING = ("Creating", "Deleting", "Failed", "OutOfService")
# An update ends with the old model's removal and a new policy of this job's role; IAM takes some
# seconds to know of that.
LOOKS, SECONDS_BETWEEN = 10, 15

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServingModel:
    """A model behind an endpoint.

    Attributes:
        model_package_arn: None for a model that was made of no package.
        archive: the S3 URI of its model.tar.gz.
    """

    model_package_arn: str | None
    archive: str


def find_serving_model(sagemaker: Client, endpoint: str) -> ServingModel | None:
    """The model that `endpoint` serves; None where there is no such endpoint or it serves nothing.

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


def _find(sagemaker: Client, endpoint: str) -> ServingModel | None:
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
        return ServingModel(None, _archive_of(container, endpoint))
    found = sagemaker.describe_model_package(ModelPackageName=package)
    specified = found["InferenceSpecification"]["Containers"]
    packed = _only_one(specified, endpoint, "containers")
    return ServingModel(found["ModelPackageArn"], _archive_of(packed, endpoint))


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
