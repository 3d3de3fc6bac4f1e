"""Compares the classes that the endpoint answers with those that its model was trained on."""

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import boto3

from functions.shared.documents import Documents
from functions.shared.metrics import Point, put_points

from .captured import Folder, Tally, Window, count_newest
from .comparison import COMPARISON, Comparison
from .models import served_package, trained_on

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker import SageMakerClient

logger = logging.getLogger(__name__)
logging.getLogger().setLevel(logging.INFO)


@dataclass(frozen=True)
class Settings:
    """What the function's environment variables say."""

    endpoint: str
    stack: str
    parameter: str
    captured: Folder
    records_bucket: str
    namespace: str
    window: Window
    threshold: float

    @classmethod
    def from_environment(cls, variables: Mapping[str, str]) -> Self:
        """Reads them."""
        return cls(
            endpoint=variables["ENDPOINT_NAME"],
            stack=variables["STACK_NAME"],
            parameter=variables["PARAMETER"],
            captured=Folder(variables["CAPTURE_BUCKET"], variables["CAPTURE_PREFIX"]),
            records_bucket=variables["RECORDS_BUCKET"],
            namespace=variables["NAMESPACE"],
            window=Window(int(variables["HOURS"]), int(variables["MINIMUM_PREDICTIONS"])),
            threshold=float(variables["THRESHOLD"]),
        )


@dataclass(frozen=True)
class Clients:
    """One of each service that is asked."""

    cloudformation: "CloudFormationClient"
    sagemaker: "SageMakerClient"
    s3: "S3Client"
    cloudwatch: Any


def handler(event: object, context: object) -> dict[str, Any] | None:
    """What is kept of the comparison, or None where there was nothing to compare."""
    clients = Clients(
        boto3.client("cloudformation"),
        boto3.client("sagemaker"),
        boto3.client("s3"),
        boto3.client("cloudwatch"),
    )
    return compare(clients, Settings.from_environment(os.environ), datetime.now(UTC))


def compare(clients: Clients, settings: Settings, now: datetime) -> dict[str, Any] | None:
    """Counts, keeps the comparison, and then puts its metrics, whose alarm leads back to it."""
    package = served_package(clients.cloudformation, settings.stack, settings.parameter)
    trained = trained_on(clients.sagemaker, clients.s3, package) if package else None
    if package is None or trained is None:
        return None
    tally = Tally(package)
    extent = count_newest(clients.s3, settings.captured, tally, settings.window, now)
    comparison = Comparison(now, trained, tally, extent, settings.window.predictions)
    described = comparison.describe(settings.endpoint, settings.threshold)
    Documents(clients.s3, settings.records_bucket).write(COMPARISON, described)
    points = _points(comparison, settings.endpoint)
    put_points(clients.cloudwatch, settings.namespace, points, comparison.time)
    logger.info(
        "%s predictions of %s since %s: drift %s, threshold %s.",
        described["predictions"],
        package,
        described["since"],
        described["drift"],
        settings.threshold,
    )
    return described


def _points(comparison: Comparison, endpoint: str) -> list[Point]:
    of = {"EndpointName": endpoint}
    points = [Point("CapturedPredictions", float(comparison.tally.predictions), "Count", of)]
    if comparison.is_enough:
        points.append(Point("ClassShareDrift", comparison.drift, "None", of))
    return points
