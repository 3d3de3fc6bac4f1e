"""Compares the classes that the endpoint answers with those that its model was trained on."""

import logging
import os
from datetime import UTC, datetime
from typing import Any

import boto3

from functions.shared import Documents, Point, put_points

from .captured import Folder, Tally, Window, count_newest
from .comparison import COMPARISON, Comparison
from .models import served_package, trained_on

logger = logging.getLogger(__name__)
logging.getLogger().setLevel(logging.INFO)


def handler(event: object, context: object) -> dict[str, Any] | None:
    """Counts, keeps the comparison, and then puts its metrics, whose alarm leads back to it.

    Returns:
        What is kept, or None where there was nothing to compare.
    """
    s3 = boto3.client("s3")
    stack, parameter = os.environ["STACK_NAME"], os.environ["PARAMETER"]
    package = served_package(boto3.client("cloudformation"), stack, parameter)
    trained = trained_on(boto3.client("sagemaker"), s3, package) if package else None
    if package is None or trained is None:
        return None
    now, tally = datetime.now(UTC), Tally(package)
    folder = Folder(os.environ["CAPTURE_BUCKET"], os.environ["CAPTURE_PREFIX"])
    window = Window(int(os.environ["HOURS"]), int(os.environ["MINIMUM_PREDICTIONS"]))
    extent = count_newest(s3, folder, tally, window, now)
    comparison = Comparison(now, trained, tally, extent, window.predictions)
    endpoint, threshold = os.environ["ENDPOINT_NAME"], float(os.environ["THRESHOLD"])
    described = comparison.describe(endpoint, threshold)
    Documents(s3, os.environ["RECORDS_BUCKET"]).write(COMPARISON, described)
    points = _points(comparison, endpoint)
    put_points(boto3.client("cloudwatch"), os.environ["NAMESPACE"], points, now)
    logger.info(
        "%s predictions of %s since %s: drift %s, threshold %s.",
        described["predictions"],
        package,
        described["since"],
        described["drift"],
        threshold,
    )
    return described


def _points(comparison: Comparison, endpoint: str) -> list[Point]:
    of = {"EndpointName": endpoint}
    points = [Point("CapturedPredictions", float(comparison.tally.predictions), "Count", of)]
    if comparison.is_enough:
        points.append(Point("ClassShareDrift", comparison.drift, "None", of))
    return points
