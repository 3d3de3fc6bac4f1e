"""Asks the endpoint about images of the test channel; compares its answers with the evaluation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scripts.reports.evidence import Answer, Reader

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# Other kernels for other batch sizes change the last digits of a float32.
TOLERANCE = 1e-3


def choose(predictions: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Up to `count` predictions, evenly spread over the test channel and so over its classes."""
    ordered = sorted(predictions, key=lambda row: (row["label"], row["key"]))
    if len(ordered) <= count:
        return ordered
    return [ordered[index * len(ordered) // count] for index in range(count)]


def ask(
    runtime: SageMakerRuntimeClient,
    endpoint: str,
    reader: Reader,
    drops_bucket: str,
    predictions: list[dict[str, Any]],
) -> list[Answer]:
    """The endpoint's answer about each predicted image, in the order given."""
    return [_ask_one(runtime, endpoint, reader, drops_bucket, row) for row in predictions]


def disagreements(answers: list[Answer]) -> list[str]:
    """Keys of the images of which endpoint and evaluation say different things."""
    return [
        answer.key
        for answer in answers
        if answer.served_label != answer.evaluated_label
        or abs(answer.served_probability - answer.evaluated_probability) > TOLERANCE
    ]


def _ask_one(
    runtime: SageMakerRuntimeClient,
    endpoint: str,
    reader: Reader,
    drops_bucket: str,
    row: dict[str, Any],
) -> Answer:
    image = reader.image(drops_bucket, row["key"])
    content_type = "image/png" if image.startswith(b"\x89PNG") else "image/jpeg"
    response = runtime.invoke_endpoint(
        EndpointName=endpoint, ContentType=content_type, Accept="application/json", Body=image
    )
    served = json.loads(response["Body"].read())
    return Answer(
        key=row["key"],
        image=image,
        label=str(row["label"]),
        served_label=served["label"],
        served_probability=served["probability"],
        evaluated_label=str(row["predicted"]),
        evaluated_probability=row["probability"],
    )
