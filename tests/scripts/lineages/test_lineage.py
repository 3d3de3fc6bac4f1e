"""`./scripts/lineage` on a real S3 and the rehearsal's SageMaker."""

import json
from collections.abc import Callable
from pathlib import Path

import boto3
import pytest

from scripts.commands import lineage
from tests.scripts.runs import channel_of, digest, write_run

DROPPED = {f"d1/{label}/{n}.jpg": f"{label}{n}" for label in ("cat", "dog") for n in range(10)}


class Place:
    """An environment of made-up executions, and the command run in it."""

    def __init__(
        self,
        session: boto3.Session,
        environment: str,
        group: str,
        printed: pytest.CaptureFixture[str],
    ) -> None:
        self.session, self.environment, self.group = session, environment, group
        self._printed = printed
        names = ("DropsBucketName", "WorkingBucketName", "ArtifactsBucketName")
        self.buckets = {name: f"{environment}-{name[:-4].lower()}" for name in names}
        for bucket in self.buckets.values():
            session.client("s3").create_bucket(Bucket=bucket)

    @property
    def drops(self) -> str:
        return self.buckets["DropsBucketName"]

    def execution(self, execution_id: str, objects: dict[str, str], **options: object) -> str:
        write_run(self.session, self.buckets, execution_id, objects, **options)  # type: ignore[arg-type]
        return f"arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/{execution_id}"

    def register(self, execution_arn: str | None) -> str:
        """A package that an execution made; its ARN."""
        metadata = (
            {"Made": "by hand"}
            if execution_arn is None
            else {"PipelineExecutionArn": execution_arn}
        )
        made = self.session.client("sagemaker").create_model_package(
            ModelPackageGroupName=self.group,
            ModelApprovalStatus="PendingManualApproval",
            CustomerMetadataProperties=metadata,
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}],
                "SupportedContentTypes": ["image/jpeg"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
        )
        return made["ModelPackageArn"]

    def ask(self, *arguments: object) -> tuple[int, str, str]:
        """Exit status, stdout and the last line of stderr."""
        self._printed.readouterr()
        status = lineage.main([*map(str, arguments), "--environment", self.environment])
        told, complaint = self._printed.readouterr()
        assert "Traceback" not in complaint, complaint
        return status, told, complaint.strip().rpartition("\n")[2]


@pytest.fixture
def place(
    session: boto3.Session,
    environment: str,
    pipeline: str,
    deploy_outputs: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> Place:
    session.client("sagemaker").create_model_package_group(ModelPackageGroupName=pipeline)
    made = Place(session, environment, pipeline, capsys)
    deploy_outputs("data", **made.buckets)
    return made


def test_an_object_leads_to_each_model_that_used_its_content(place: Place) -> None:
    first = place.register(place.execution("e1", DROPPED))
    place.register(place.execution("e2", {"d2/cat/x.jpg": "other", "d2/cat/y.jpg": "more"}))
    third = place.register(place.execution("e3", DROPPED | {"d3/dog/copy.jpg": "cat3"}))
    status, told, _ = place.ask("object", f"s3://{place.drops}/drops/d1/cat/3.jpg")
    assert status == 0
    assert digest("cat3").hex() in told
    assert f": {first} (PendingManualApproval)" in told
    assert f": {third} (PendingManualApproval)" in told
    assert "e2" not in told
    assert f"s3://{place.drops}/drops/d3/dog/copy.jpg?versionId=v-cat3" in told
    assert told.count(f"channel {channel_of('cat3')}") == 2


def test_a_copy_under_another_name_leads_to_the_same_models(place: Place) -> None:
    first = place.register(place.execution("e1", DROPPED))
    place.execution("e2", {"d9/cat/copy.jpg": "cat3", "d9/cat/z.jpg": "z"})
    status, told, _ = place.ask("object", "--json", f"s3://{place.drops}/drops/d9/cat/copy.jpg")
    uses = json.loads(told)["uses"]
    assert status == 0
    assert [use["execution_id"] for use in uses] == ["e1", "e2"]
    assert [model["name"] for model in uses[0]["models"]] == [first]
    assert uses[1]["models"] == []


@pytest.mark.parametrize("version", ["", "?versionId=v-cat3"])
def test_a_digest_a_file_and_a_name_lead_to_the_same(
    place: Place, tmp_path: Path, version: str
) -> None:
    place.register(place.execution("e1", DROPPED))
    photo = tmp_path / "photo.jpg"
    photo.write_text("cat3")
    answers = [
        place.ask("object", "--json", "--sha256", digest("cat3").hex().upper()),
        place.ask("object", "--json", "--file", photo),
        place.ask("object", "--json", f"s3://{place.drops}/drops/d1/cat/3.jpg{version}"),
    ]
    assert [status for status, _, _ in answers] == [0, 0, 0]
    assert len({told for _, told, _ in answers}) == 1


def test_an_object_that_no_model_saw_has_an_exit_status_of_its_own(place: Place) -> None:
    place.register(place.execution("e1", DROPPED, gone=("removed before",)))
    unknown = place.ask("object", f"s3://{place.drops}/drops/d1/cat/none.jpg")
    assert (unknown[0], "No model was trained" in unknown[1]) == (3, True)
    assert place.ask("object", "--sha256", digest("removed before").hex())[0] == 3
    version = f"s3://{place.drops}/drops/d1/cat/3.jpg?versionId=another"
    assert place.ask("object", version)[0] == 3


def test_a_dataset_of_which_no_model_came_does_not_count(place: Place) -> None:
    place.execution("e1", DROPPED)
    status, told, _ = place.ask("object", f"s3://{place.drops}/drops/d1/cat/3.jpg")
    assert status == 3
    assert "no model came of it" in told


def test_a_file_that_was_put_aside_trained_no_model(place: Place) -> None:
    place.register(place.execution("e1", DROPPED, quarantined={"d1/cat/3.jpg": "is empty"}))
    status, told, _ = place.ask("object", f"s3://{place.drops}/drops/d1/cat/3.jpg")
    assert status == 3
    assert "could not be used" in told
    assert "made without it: " in told


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["object", "s3://elsewhere/drops/a"], "The bucket elsewhere is not the drops bucket of"),
        (["object", "drops/a"], '"drops/a" is no address of an object'),
        (["object", "--sha256", "abc"], '"abc" is no SHA-256'),
        (["object", "--file", "none.jpg"], "none.jpg cannot be read: No such file"),
        (["model", "7"], "has no version 7"),
        (["model", "latest"], "has no version latest"),
        (["dataset"], "No execution has a lineage yet"),
        (["dataset", "e9"], "The execution e9 has no lineage"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    place: Place, arguments: list[str], sentence: str
) -> None:
    status, told, complaint = place.ask(*arguments)
    assert status == 1
    assert told == ""
    assert sentence in complaint


def test_a_package_that_no_execution_made_is_named(place: Place) -> None:
    arn = place.register(None)
    assert f"{arn} names no PipelineExecutionArn" in place.ask("model", arn)[2]


def test_a_model_leads_to_its_execution_drops_manifests_and_objects(place: Place) -> None:
    place.register(place.execution("e1", {"d0/cat/a.jpg": "a", "d0/cat/b.jpg": "b"}))
    arn = place.execution("e2", DROPPED, quarantined={"d1/dog/1.jpg": "is empty (0 bytes)"})
    package = place.register(arn)
    for named in (package, "2", "latest"):
        status, told, _ = place.ask("model", named)
        assert status == 0
        assert f"Execution {arn}" in told
    assert "Drop d1: 20 objects" in told
    assert f"s3://{place.buckets['WorkingBucketName']}/executions/e2/manifests/train.man" in told
    assert "d1/dog/1.jpg is empty (0 bytes)" in told
    for entry, content in DROPPED.items():
        assert f"{channel_of(content)}\t" in told
        assert f"s3://{place.drops}/drops/{entry}?versionId=v-{content}" in told
    assert "1.jpg?versionId=v-dog1 (not used)" in told


def test_a_model_is_told_to_programs_too(place: Place) -> None:
    arn = place.execution("e1", DROPPED)
    package = place.register(arn)
    _, lines, _ = place.ask("model", package, "--format", "json")
    summary, *objects = map(json.loads, lines.splitlines())
    assert summary["execution_arn"] == arn
    assert len(objects) == 20
    assert objects[0]["sha256"] == digest("cat0").hex()
    _, table, _ = place.ask("model", package, "--format", "csv")
    assert table.splitlines()[0].startswith("channel,class_label,uri,sha256")
    assert len(table.splitlines()) == 21
    assert "versionId" not in place.ask("model", package, "--summary")[1]


def test_the_report_of_a_dataset_is_the_newest_or_that_of_an_execution(place: Place) -> None:
    place.execution("e1", DROPPED)
    place.execution("e2", {"d2/cat/a.jpg": "a", "d2/cat/b.jpg": "b"})
    status, told, _ = place.ask("dataset")
    assert status == 0
    assert told.startswith("Execution e2, started by the drop d2")
    assert "Warning: Class cat drifts." in told
    assert place.ask("dataset", "e1")[1].startswith("Execution e1, started by the drop d1")
    assert json.loads(place.ask("dataset", "--json")[1])["execution_id"] == "e2"


def test_an_execution_without_a_whole_lineage_is_passed_over(place: Place) -> None:
    place.register(place.execution("e1", DROPPED))
    place.session.client("s3").put_object(
        Bucket=place.buckets["ArtifactsBucketName"], Key="lineage/e0/objects.parquet", Body=b"half"
    )
    assert place.ask("object", f"s3://{place.drops}/drops/d1/cat/3.jpg")[0] == 0


def test_a_table_that_is_damaged_is_named(place: Place) -> None:
    place.register(place.execution("e1", DROPPED))
    place.session.client("s3").put_object(
        Bucket=place.buckets["ArtifactsBucketName"], Key="lineage/e1/objects.parquet", Body=b"half"
    )
    status, _, complaint = place.ask("object", f"s3://{place.drops}/drops/d1/cat/3.jpg")
    assert status == 1
    assert "lineage/e1/objects.parquet" in complaint
