"""Model packages of a group, and the metrics that evaluation gave them."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from rehearsal.s3_uri import S3Uri
from scripts.console import CommandError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.literals import ModelApprovalStatusType
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef


def newest_pending(session: boto3.Session, group: str) -> str:
    """ARN of the newest package that waits for approval; CommandError where none does."""
    newest = next(arns(session, group, "PendingManualApproval"), None)
    if newest is None:
        raise CommandError(
            f"No model package of the group {group} waits for approval: "
            "./scripts/watch shows whether an execution registers one."
        )
    return newest


def of_version(session: boto3.Session, group: str, version: int) -> str:
    """ARN of the package with that number; CommandError where the group has none."""
    for arn in arns(session, group):
        if arn.endswith(f"/{version}"):
            return arn
    raise CommandError(
        f"The group {group} has no model package of version {version}: "
        f"aws sagemaker list-model-packages --model-package-group-name {group} lists them."
    )


def arns(
    session: boto3.Session, group: str, status: "ModelApprovalStatusType | None" = None
) -> Iterator[str]:
    """The ARNs of a group's packages, or of those with a status, the newest first."""
    asked: dict[str, Any] = {"ModelApprovalStatus": status} if status else {}
    paginator = session.client("sagemaker").get_paginator("list_model_packages")
    pages = paginator.paginate(
        ModelPackageGroupName=group, SortBy="CreationTime", SortOrder="Descending", **asked
    )
    return pages.search("ModelPackageSummaryList[].ModelPackageArn")


def metrics_of(
    session: boto3.Session, package: "DescribeModelPackageOutputTypeDef"
) -> dict[str, float]:
    """The numbers of a package's model quality statistics, as {"accuracy": 0.97}, if it has any.

    Raises:
        CommandError: the file is not there or no JSON.
    """
    quality = package.get("ModelMetrics", {}).get("ModelQuality", {})
    uri = quality.get("Statistics", {}).get("S3Uri")
    if uri is None:
        return {}
    try:
        place = S3Uri.parse(uri)
        found = session.client("s3").get_object(Bucket=place.bucket, Key=place.key)
        statistics = json.loads(found["Body"].read())
        if not isinstance(statistics, dict):
            raise ValueError("no JSON object")
        return numbers(statistics)
    except (ClientError, ValueError) as error:
        raise CommandError(
            f"The metrics of {package['ModelPackageArn']} cannot be read from {uri} ({error}): "
            "give --no-metrics to decide without them."
        ) from error


def numbers(statistics: dict[str, Any]) -> dict[str, float]:
    """The metrics of model quality statistics that are numbers, by name."""
    return {
        name: float(metric["value"])
        for metrics in statistics.values()
        if isinstance(metrics, dict)
        for name, metric in metrics.items()
        if isinstance(metric, dict) and isinstance(metric.get("value"), int | float)
    }
