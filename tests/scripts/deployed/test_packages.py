import json
from typing import Any

import boto3
import pytest

from scripts.console import CommandError
from scripts.deployed.packages import metrics_of

EVALUATION = {
    "multiclass_classification_metrics": {
        "accuracy": {"value": 0.97, "standard_deviation": "NaN"},
        "weighted_f1": {"value": 1, "standard_deviation": "NaN"},
        "confusion_matrix": {"0": {"0": 18}},
    }
}


def package(bucket: str) -> Any:
    uri = f"s3://{bucket}/executions/e 1/evaluation.json"
    return {
        "ModelPackageArn": "arn:package/1",
        "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": uri}}},
    }


def test_the_metrics_are_the_numbers_of_the_evaluation(session: boto3.Session, bucket: str) -> None:
    session.client("s3").put_object(
        Bucket=bucket, Key="executions/e 1/evaluation.json", Body=json.dumps(EVALUATION)
    )

    assert metrics_of(session, package(bucket)) == {"accuracy": 0.97, "weighted_f1": 1.0}


def test_a_package_without_metrics_has_none(session: boto3.Session) -> None:
    bare: Any = {"ModelPackageArn": "arn:package/1"}

    assert metrics_of(session, bare) == {}


@pytest.mark.parametrize("body", [None, b"no JSON", b"[1]"])
def test_metrics_that_cannot_be_read_are_one_sentence(
    session: boto3.Session, bucket: str, body: bytes | None
) -> None:
    if body is not None:
        session.client("s3").put_object(
            Bucket=bucket, Key="executions/e 1/evaluation.json", Body=body
        )

    with pytest.raises(CommandError, match="give --no-metrics to decide without them"):
        metrics_of(session, package(bucket))
