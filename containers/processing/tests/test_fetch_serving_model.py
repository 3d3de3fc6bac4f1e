"""FetchServingModel against SageMaker's wire format and a real S3 API."""

import uuid

import pytest
from tests.local_sagemaker import local_sagemaker

from processing.common.container import run
from processing.fetch_serving_model import fetch_serving_model
from tests.conftest import Outcome

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-dev-0a1b2c3d/7"
GONE = ("ValidationException", 'Could not find model "arn:aws:sagemaker:…:model/model-1".')
FORBIDDEN = ("AccessDeniedException", "is not authorized to perform: sagemaker:DescribeModel")


@pytest.fixture
def sagemaker(s3, monkeypatch):
    monkeypatch.setattr("processing.fetch_serving_model.SECONDS_BETWEEN", 0)
    with local_sagemaker() as (account, url):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER", url)
        yield account


@pytest.fixture
def archive(s3):
    """The URI of an archive that holds b"weights"."""
    bucket = f"artifacts-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    key = "models/training job+1/output/model.tar.gz"
    s3.put_object(Bucket=bucket, Key=key, Body=b"weights")
    return f"s3://{bucket}/{key}"


@pytest.fixture
def fetch(tmp_path):
    def fetched(*arguments):
        line = arguments or ("--endpoint", "shardwise-dev")
        return Outcome(tmp_path, run(fetch_serving_model, line, tmp_path))

    return fetched


def serve(sagemaker, archive, **endpoint):
    sagemaker.endpoint("shardwise-dev", **endpoint)
    sagemaker.model({"ModelPackageName": PACKAGE})
    sagemaker.package(PACKAGE, {"ModelDataUrl": archive})


def written(outcome):
    assert outcome.code == 0, outcome.message
    described = outcome.json("serving/serving.json")
    archive = outcome.output / "serving" / "model.tar.gz"
    assert (described["schema"], described["endpoint"]) == (1, "shardwise-dev")
    return described["model_package_arn"], archive.read_bytes() if archive.exists() else None


def test_the_archive_of_the_package_that_is_served_is_fetched(sagemaker, archive, fetch):
    serve(sagemaker, archive)
    assert written(fetch()) == (PACKAGE, b"weights")


def test_a_model_of_no_package_is_fetched_by_the_url_of_its_container(sagemaker, archive, fetch):
    sagemaker.endpoint("shardwise-dev")
    sagemaker.model({"Image": "image", "ModelDataUrl": archive})
    assert written(fetch()) == (None, b"weights")


def test_no_endpoint_yet_is_no_failure(sagemaker, fetch):
    sagemaker.endpoint("shardwise-prod")
    assert written(fetch()) == (None, None)
    assert sagemaker.calls == ["DescribeEndpoint"]


def test_the_region_is_the_one_that_sagemaker_names(sagemaker, archive, fetch, monkeypatch):
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    serve(sagemaker, archive)
    assert written(fetch()) == (PACKAGE, b"weights")
    assert sagemaker.regions == {"eu-west-1"}


@pytest.mark.parametrize("status", ["Creating", "Deleting", "Failed", "OutOfService"])
def test_an_endpoint_that_answers_nobody_serves_no_model(sagemaker, archive, fetch, status):
    serve(sagemaker, archive, status=status)
    assert written(fetch()) == (None, None)


@pytest.mark.parametrize("status", ["Updating", "RollingBack", "SystemUpdating"])
def test_while_an_update_runs_the_model_of_before_is_fetched(sagemaker, archive, fetch, status):
    serve(sagemaker, archive, status=status)
    assert written(fetch()) == (PACKAGE, b"weights")


@pytest.mark.parametrize("refusal", [GONE, FORBIDDEN])
@pytest.mark.parametrize("operation", ["DescribeEndpointConfig", "DescribeModel"])
def test_a_model_that_is_replaced_meanwhile_is_looked_for_again_from_the_endpoint(
    sagemaker, archive, fetch, operation, refusal
):
    serve(sagemaker, archive)
    sagemaker.refusals[operation] = [refusal] * 3
    assert written(fetch()) == (PACKAGE, b"weights")
    assert sagemaker.calls.count("DescribeEndpoint") == 4


def test_what_stays_refused_ends_in_a_sentence(sagemaker, archive, fetch):
    serve(sagemaker, archive)
    sagemaker.refusals["DescribeModel"] = [FORBIDDEN] * 100
    outcome = fetch()
    assert outcome.code == 1
    assert outcome.message == (
        "SageMaker refused DescribeModel (is not authorized to perform: sagemaker:DescribeModel): "
        "check that what it names exists and what the job's role may do."
    )


@pytest.mark.parametrize("operation", ["DescribeEndpoint", "DescribeModelPackage"])
def test_a_refusal_that_no_update_explains_ends_the_step_at_once(
    sagemaker, archive, fetch, operation
):
    serve(sagemaker, archive)
    sagemaker.refusals[operation] = [FORBIDDEN]
    outcome = fetch()
    assert outcome.code == 1
    assert outcome.message.startswith(f"SageMaker refused {operation} (")
    assert not (outcome.output / "serving" / "serving.json").exists()


def test_throttling_is_waited_out(sagemaker, archive, fetch):
    serve(sagemaker, archive)
    sagemaker.refusals["DescribeEndpoint"] = [("ThrottlingException", "Rate exceeded")] * 2
    assert written(fetch()) == (PACKAGE, b"weights")


def test_an_archive_that_is_gone_is_named(sagemaker, archive, fetch):
    serve(sagemaker, f"{archive}.old")
    outcome = fetch()
    assert outcome.code == 1
    assert outcome.message == (
        f"The archive of the model that is served, {archive}.old, is not there any more: restore "
        "it, or serve another model."
    )
    assert not (outcome.output / "serving" / "serving.json").exists()


def test_two_variants_are_not_compared_with(sagemaker, archive, fetch):
    serve(sagemaker, archive, models=("model-1", "model-2"))
    assert fetch().message == (
        "The endpoint shardwise-dev has 2 production variants, and a new model is compared with "
        "one: serve a single model from a single container."
    )


def test_a_chain_of_containers_is_not_compared_with(sagemaker, archive, fetch):
    sagemaker.endpoint("shardwise-dev")
    sagemaker.model(*[{"Image": "image", "ModelDataUrl": archive}] * 2)
    assert fetch().message.startswith("The endpoint shardwise-dev has 2 containers, and ")


def test_a_model_without_an_archive_is_told_in_a_sentence(sagemaker, fetch):
    sagemaker.endpoint("shardwise-dev")
    sagemaker.model({"Image": "image"})
    assert fetch().message == (
        "The model that the endpoint shardwise-dev serves has no ModelDataUrl: serve one that was "
        "made with its model.tar.gz."
    )


def test_no_endpoint_named_is_a_wrong_argument(fetch):
    outcome = fetch("--name", "shardwise-dev")
    assert outcome.code == 1
    assert outcome.message.startswith("FetchServingModel was started with a wrong argument: ")
