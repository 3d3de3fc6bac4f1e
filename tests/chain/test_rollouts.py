"""Models that are approved: a good one takes over by a canary, a bad one is taken back by itself.

In a rehearsal of its own. All the while, clients ask the endpoint, and no healthy request may fail.
"""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from dataclasses import dataclass
from urllib.parse import urlsplit

import boto3
import botocore.config
import pytest

from rehearsal.images import environments
from rehearsal.settings import default_cache
from scripts.deployed.stacks import roles_of
from scripts.images.data_sets import write_digits
from tests.chain.conftest import REPOSITORY, rehearse
from tests.chain.grants import BY_ROLLOUTS, unneeded_grants
from tests.chain.load import Load

pytestmark = pytest.mark.chain

SETTINGS = {
    "endpoint.traffic_shift": "canary",
    "endpoint.shift_percent": 50,
    "endpoint.instance_count": 2,
    "endpoint.shift_wait_seconds": 300,
    "endpoint.latency_alarm_milliseconds": 1000,
    "endpoint.minimum_confidence": 0.5,
}
DIGITS = 40
CONTAINERS = REPOSITORY / "containers"
NEVER_HEALTHY = ("wrong_shape", "nan_weights", "wrong_labels")
KINDS = (*NEVER_HEALTHY, "slow", "unsure")


@pytest.fixture(scope="module")
def rollouts(tmp_path_factory):
    """A rehearsal whose endpoint has a canary."""
    settings = (word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}"))
    with rehearse(tmp_path_factory.mktemp("rollouts"), *settings) as rehearsal:
        yield rehearsal


@dataclass(frozen=True)
class Healthy:
    """The model package that serves at the beginning, and what it says of each image."""

    package: str
    images: list[bytes]
    labels: list[str]

    def wrong(self, answers):
        """Those of `answers` that are failures or another label than the model's."""
        return [
            answer
            for answer in answers
            if answer.failure or answer.label != self.labels[answer.asked]
        ]


@pytest.fixture(scope="module")
def healthy(rollouts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    write_digits(folder, 0, DIGITS)
    images = [path.read_bytes() for path in sorted(folder.rglob("*.jpg"))]
    load = _load(rollouts, images)
    labels = [load.ask(index).label for index in range(len(images))]
    return Healthy(rollouts.outputs("serving")["ModelPackageArn"], images, labels)


@pytest.fixture(scope="module")
def spoilt(rollouts, healthy, tmp_path_factory):
    """The healthy model's archive as one of each kind of badness, bytes by kind."""
    folder = tmp_path_factory.mktemp("spoilt")
    archive = rollouts.read(*_archive_of(rollouts, healthy.package))
    for kind in KINDS:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder / kind, filter="data")
    # The training image's Python has TensorFlow.
    environment = environments.prepare(
        CONTAINERS, "training/Dockerfile", cache=default_cache(), report=print
    )
    subprocess.run(
        [environment / "bin" / "python", REPOSITORY / "tests" / "chain" / "bad_models.py", folder],
        env={"PYTHONPATH": os.pathsep.join([str(CONTAINERS / "training"), str(CONTAINERS)])},
        check=True,
        capture_output=True,
    )
    return {kind: _packed(folder / kind) for kind in KINDS}


def _load(rollouts, images):
    session = boto3.session.Session()
    runtime = session.client(
        "sagemaker-runtime",
        region_name=rollouts.variables["AWS_REGION"],
        endpoint_url=rollouts.variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=rollouts.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=rollouts.variables["AWS_SECRET_ACCESS_KEY"],
        # A client that asks again by itself would hide a failed request.
        config=botocore.config.Config(retries={"total_max_attempts": 1}),
    )
    return Load(runtime, rollouts.outputs("serving")["EndpointName"], images)


def _archive_of(rollouts, package):
    """Bucket and key of a model package's archive."""
    place = urlsplit(
        rollouts.client("sagemaker").describe_model_package(ModelPackageName=package)[
            "InferenceSpecification"
        ]["Containers"][0]["ModelDataUrl"]
    )
    return place.netloc, place.path.lstrip("/")


def _register(rollouts, like, archive, name):
    """A model package as the pipeline would register it, but for its archive."""
    sagemaker = rollouts.client("sagemaker")
    bucket, key = _archive_of(rollouts, like)
    key = f"{key.rpartition('/')[0]}-{name}/model.tar.gz"
    rollouts.client("s3").put_object(Bucket=bucket, Key=key, Body=archive)
    described = sagemaker.describe_model_package(ModelPackageName=like)
    specification = described["InferenceSpecification"]
    container = {
        name: specification["Containers"][0][name] for name in ("Image", "ModelDataUrl")
    } | {"ModelDataUrl": f"s3://{bucket}/{key}"}
    return sagemaker.create_model_package(
        ModelPackageGroupName=described["ModelPackageGroupName"],
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification=specification | {"Containers": [container]},
    )["ModelPackageArn"]


def _packed(folder):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return packed.getvalue()


def _approve(rollouts, package, *options):
    return rollouts.run("./scripts/approve", package, "--no-metrics", *options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_bad_model_is_taken_back_and_no_request_fails(rollouts, healthy, spoilt, kind):
    bad = _register(rollouts, healthy.package, spoilt[kind], kind)
    with _load(rollouts, healthy.images) as load:
        approved = _approve(rollouts, bad)

    assert approved.returncode == 1, approved.stdout
    assert rollouts.outputs("serving")["ModelPackageArn"] == healthy.package
    assert _status(rollouts) == "UPDATE_ROLLBACK_COMPLETE"
    assert load.ask(0).model_package_arn == healthy.package
    assert len(load.answers) > 50
    assert healthy.wrong(load.answers) == []
    by_the_bad_one = [answer for answer in load.answers if answer.model_package_arn == bad]
    assert bool(by_the_bad_one) == (kind not in NEVER_HEALTHY)


def test_a_good_model_gets_the_canarys_share_and_then_all(rollouts, healthy):
    archive = rollouts.read(*_archive_of(rollouts, healthy.package))
    good = _register(rollouts, healthy.package, archive, "good")
    with _load(rollouts, healthy.images) as load:
        approved = _approve(rollouts, good)
    assert approved.returncode == 0, approved.stdout + approved.stderr
    assert healthy.wrong(load.answers) == []
    packages = [answer.model_package_arn for answer in load.answers]
    end = len(packages) - packages[::-1].index(healthy.package)
    during = packages[packages.index(good) : end]
    assert len(during) > 100
    assert 0.35 < during.count(good) / len(during) < 0.65
    assert set(packages[end:]) == {good}


def test_rejecting_the_model_that_serves_brings_the_one_before(rollouts, healthy):
    good = rollouts.outputs("serving")["ModelPackageArn"]
    assert good != healthy.package
    with _load(rollouts, healthy.images) as load:
        rejected = _approve(rollouts, good, "--reject")
    assert rejected.returncode == 0, rejected.stdout + rejected.stderr
    assert rollouts.outputs("serving")["ModelPackageArn"] == healthy.package
    assert healthy.wrong(load.answers) == []
    assert load.ask(0).model_package_arn == healthy.package


def test_what_only_rollouts_ask_of_iam_is_needed(rollouts):
    """After the others: all that they asked is decided anew less each grant."""
    unneeded = unneeded_grants(rollouts, roles_of(rollouts.client, "dev"))
    assert [u for u in unneeded if any(s.covers(u.subject, u.rule) for s in BY_ROLLOUTS)] == []


def _status(rollouts):
    return rollouts.client("cloudformation").describe_stacks(StackName="shardwise-dev-serving")[
        "Stacks"
    ][0]["StackStatus"]
