"""Transform jobs that outlive their credentials, their model servers, or who hears of them."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import aws
from rehearsal.backends import Variant
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.instance import Instance
from rehearsal.images.runtime.launcher import Running
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import MODEL, ROLE, Recorded, bucket, push_image, settings

__all__ = ["bucket", "settings"]

SERVER = (
    MODEL
    + """
    import os, time

    class Handler(Model):
        def do_GET(self):
            self.answer(200 if self.path == "/ping" else 404, b"")

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            if body == b"die":
                os._exit(3)
            time.sleep(float(body))
            self.answer(200, body)

    serve(Handler)
"""
)


@pytest.fixture(scope="session")
def variant(settings: RehearsalSettings, tmp_path_factory: pytest.TempPathFactory) -> Variant:
    folder = tmp_path_factory.mktemp("image") / "context"
    return Variant(
        name="transform",
        image=push_image(settings, folder, SERVER),
        model_data_url=None,
        environment={},
        instance_count=1,
        weight=1.0,
        role_arn=ROLE,
    )


def ended(
    settings: RehearsalSettings,
    variant: Variant,
    bucket: str,
    body: bytes,
    recorded: Recorded | None = None,
    **options: Any,
) -> dict[str, Any]:
    """How a job on one object ends."""
    aws.client(settings, "s3").put_object(Bucket=bucket, Key="in/one", Body=body)
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}
    request = {
        "TransformJobName": f"long-{bucket}",
        "TransformInput": {"DataSource": {"S3DataSource": source}},
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out"},
    }
    backend, recorded = ProcessBackend(settings, **options), recorded or Recorded([])
    try:
        backend.start_transform_job(
            request, variant, f"arn:{request['TransformJobName']}", recorded
        )
        return recorded.wait_for("TransformJobStatus", "Completed", "Failed", "Stopped")
    finally:
        backend.close()


def test_a_job_that_outlives_its_credentials_writes_its_answers(
    settings: RehearsalSettings, variant: Variant, bucket: str
) -> None:
    found = ended(settings, variant, bucket, b"3", credential_seconds=2)

    assert found["TransformJobStatus"] == "Completed", found
    answer = aws.client(settings, "s3").get_object(Bucket=bucket, Key="out/one.out")
    assert answer["Body"].read() == b"3"


def test_a_job_whose_model_server_never_comes_back_fails_and_says_so(
    settings: RehearsalSettings,
    variant: Variant,
    bucket: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    launch, launched = Instance._launch, set()

    def once(self: Instance) -> Running:
        if self in launched:
            raise FleetError("It does not come up again.")
        launched.add(self)
        return launch(self)

    monkeypatch.setattr(Instance, "_launch", once)

    found = ended(settings, variant, bucket, b"die", replacement_seconds=1)

    assert found["TransformJobStatus"] == "Failed"
    assert "did not answer GET /ping again within 1 s" in found["FailureReason"]


def test_a_job_whose_end_is_not_heard_is_reported_as_failed(
    settings: RehearsalSettings, variant: Variant, bucket: str
) -> None:
    class Deaf(Recorded):
        def __call__(self, fields: dict[str, Any]) -> None:
            if fields.get("TransformJobStatus") == "Completed":
                raise KeyError("nobody hears it")
            super().__call__(fields)

    found = ended(settings, variant, bucket, b"0", Deaf([]))

    assert found["TransformJobStatus"] == "Failed"
    assert "nobody hears it" in found["FailureReason"]
