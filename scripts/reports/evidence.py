"""Reads what the report tells from S3, SageMaker and the endpoint's own answers."""

import csv
import io
import json
import tarfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import boto3

from containers.drops.formats import JPEG, format_of
from functions.reporter.executions import Step
from infra.names import ARTIFACTS_BUCKET_NAME, DROPS, DROPS_BUCKET_NAME, WORKING_BUCKET_NAME
from rehearsal.s3_uri import S3Uri

if TYPE_CHECKING:
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient

# Other kernels for other batch sizes change the last digits of a float32.
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Answer:
    """One image of the test channel, what it shows and what endpoint and evaluation said of it."""

    key: str
    image: bytes
    label: str
    served_label: str
    served_probability: float
    evaluated_label: str
    evaluated_probability: float


@dataclass(frozen=True)
class Confusion:
    """So many records of a class that the model took for another one."""

    label: str
    predicted: str
    records: int


@dataclass(frozen=True)
class Ended:
    """Why an execution ended without success, empty where it did not.

    Attributes:
        lines: a few on each step that failed or was stopped: reason, log group, streams.
        last_lines: the last log lines, by stream.
        is_verdict: whether the model was made and is not good enough.
    """

    lines: list[str] = field(default_factory=list)
    advice: str = ""
    last_lines: dict[str, list[str]] = field(default_factory=dict)
    is_verdict: bool = False


@dataclass(frozen=True)
class Evidence:
    """Everything the report shows of one execution, as far as it came.

    Attributes:
        model_package_arn: that it registered; empty where it registered none.
        steps: those that have begun, the first one first.
        history: training's epochs, of `training`, or of the log lines where there is none.
        missing: a sentence for each other attribute that is empty, which says why.
    """

    environment: str
    execution_arn: str
    status: str
    drop_id: str
    model_package_arn: str = ""
    ended: Ended = field(default_factory=Ended)
    steps: tuple[Step, ...] = ()
    dataset: dict[str, Any] | None = None
    shards: list[dict[str, Any]] = field(default_factory=list)
    training: dict[str, Any] | None = None
    history: list[dict[str, Any]] = field(default_factory=list)
    evaluation: dict[str, Any] | None = None
    confusions: list[Confusion] = field(default_factory=list)
    confusion_matrix: bytes | None = None
    reliability: bytes | None = None
    worst_mistakes: str | None = None
    answers: list[Answer] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    @property
    def accuracy(self) -> float | None:
        """Of the evaluation, 0 to 1; None where there is none."""
        if self.evaluation is None:
            return None
        metrics = self.evaluation["multiclass_classification_metrics"]
        return float(metrics["accuracy"]["value"])

    @property
    def quarantine_reasons(self) -> Counter[str]:
        """How many files all hosts put aside, by reason."""
        return sum((Counter(shard["reasons"]) for shard in self.shards), Counter[str]())


class Reader:
    """Reads one execution's records, in the buckets that the data stack's outputs name."""

    def __init__(
        self, session: boto3.Session, execution_arn: str, outputs: Mapping[str, str]
    ) -> None:
        self._s3 = session.client("s3")
        self._execution_id = execution_arn.rsplit("/", 1)[1]
        self._drops = outputs[DROPS_BUCKET_NAME]
        self._working = outputs[WORKING_BUCKET_NAME]
        self._artifacts = outputs[ARTIFACTS_BUCKET_NAME]

    def dataset(self) -> dict[str, Any]:
        """`dataset.json` of the execution's lineage."""
        key = f"lineage/{self._execution_id}/dataset.json"
        dataset: dict[str, Any] = json.loads(self._read(self._artifacts, key))
        return dataset

    def shards(self) -> list[dict[str, Any]]:
        """Each processing host's own report, in the order of hosts."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._working, Prefix=f"executions/{self._execution_id}/shards/report/"
        )
        keys = pages.search("Contents[].Key || `[]`")
        reports = [json.loads(self._read(self._working, key)) for key in keys]
        return sorted(reports, key=lambda report: int(report["host"].rsplit("-", 1)[1]))

    def archived(self, uri: str, *names: str) -> dict[str, dict[str, Any]]:
        """JSON files of a model's archive, by name; ValueError where it is none, or lacks one."""
        place = S3Uri.parse(uri)
        body = io.BytesIO(self._read(place.bucket, place.key))
        documents = {}
        try:
            with tarfile.open(fileobj=body) as archive:
                members = {member.name.removeprefix("./"): member for member in archive}
                for name in names:
                    content = archive.extractfile(members[name]) if name in members else None
                    if content is None:
                        raise ValueError(f"{place} has no {name}.")
                    documents[name] = json.load(content)
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise ValueError(f"{place} is no whole archive: {error}") from error
        return documents

    def evaluated(self, name: str) -> bytes:
        """A file that EvaluateModel wrote."""
        return self._read(self._working, f"executions/{self._execution_id}/evaluation/{name}")

    def confusions(self, count: int) -> list[Confusion]:
        """The most frequent ones, of `confusion_matrix.csv`."""
        rows = csv.DictReader(io.StringIO(self.evaluated("confusion_matrix.csv").decode("utf-8")))
        confusions = [
            Confusion(row["label"], row["predicted"], int(row["records"])) for row in rows
        ]
        wrong = [each for each in confusions if each.label != each.predicted and each.records]
        return sorted(wrong, key=lambda each: (-each.records, each.label, each.predicted))[:count]

    def predictions(self) -> list[dict[str, Any]]:
        """What the evaluation predicted, one dict a record of the test channel."""
        return [json.loads(line) for line in self.evaluated("predictions.jsonl").splitlines()]

    def image(self, manifest_entry: str) -> bytes:
        """An image file of a drop, by its entry `<drop id>/<class label>/<file>`."""
        return self._read(self._drops, f"{DROPS}{manifest_entry}")

    def _read(self, bucket: str, key: str) -> bytes:
        return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def choose_predictions(predictions: list[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Up to `count` predictions, evenly spread over the test channel and so over its classes."""
    ordered = sorted(predictions, key=lambda row: (row["label"], row["key"]))
    if len(ordered) <= count:
        return ordered
    return [ordered[index * len(ordered) // count] for index in range(count)]


def content_type(image: bytes) -> str:
    """An image's media type by its first bytes."""
    return (format_of(image) or JPEG).content_type


def ask_endpoint(
    runtime: "SageMakerRuntimeClient",
    endpoint: str,
    reader: Reader,
    predictions: list[dict[str, Any]],
) -> Iterator[Answer]:
    """Asks the endpoint about each predicted image, in the order given."""
    for row in predictions:
        image = reader.image(row["key"])
        response = runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType=content_type(image),
            Accept="application/json",
            Body=image,
        )
        served = json.loads(response["Body"].read())
        yield Answer(
            key=row["key"],
            image=image,
            label=str(row["label"]),
            served_label=served["label"],
            served_probability=served["probability"],
            evaluated_label=str(row["predicted"]),
            evaluated_probability=row["probability"],
        )


def disagreements(answers: list[Answer]) -> list[str]:
    """Keys of the images of which endpoint and evaluation say different things."""
    return [
        answer.key
        for answer in answers
        if answer.served_label != answer.evaluated_label
        or abs(answer.served_probability - answer.evaluated_probability) > TOLERANCE
    ]
