"""The deployment of images whose form SageMaker would refuse fails, with a sentence."""

import json
from pathlib import Path

import aws_cdk as cdk
import boto3
import pytest
from botocore.stub import Stubber

from functions.custom_resources import published_images as handler
from infra.images import ImagesStack
from infra.settings import load

IMAGES = [{"Repository": "assets", "Tag": tag} for tag in ("a", "b")]
SEES = "Sees that SageMaker takes the images that were published"
ANSWER_SECONDS = 20
OCI = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def ecr(monkeypatch):
    """Says which images ECR has: `ecr(tag, media type)` for each that is asked for, in turn."""
    client = boto3.client(
        "ecr", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    monkeypatch.setattr(handler.boto3, "client", lambda _, config: client)
    with Stubber(client) as stub:

        def has(tag, kind):
            image = {"imageId": {"imageTag": tag}, "imageManifestMediaType": kind}
            asked = {
                "repositoryName": "assets",
                "imageIds": [{"imageTag": tag}],
                "acceptedMediaTypes": handler._ALL,
            }
            stub.add_response("batch_get_image", {"images": [image] if kind else []}, asked)

        yield has
        stub.assert_no_pending_responses()


@pytest.fixture
def answer(cloudformation):
    """What CloudFormation hears of a request."""
    url, answers = cloudformation

    def ask(kind):
        event = {
            "RequestType": kind,
            "ResponseURL": url,
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Published",
            "ResourceProperties": {"Images": IMAGES},
        }
        handler.handler(event, None)
        (heard,) = answers
        return heard["Status"], heard["Reason"]

    return ask


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_images_of_dockers_own_schema_are_taken(ecr, answer, kind):
    ecr("a", handler.TAKEN)
    ecr("b", handler.TAKEN)
    assert answer(kind) == ("SUCCESS", "")


@pytest.mark.parametrize("kind", handler._ALL[1:])
def test_the_images_that_create_model_would_refuse_are_named(ecr, answer, kind, monkeypatch):
    monkeypatch.setattr(f"{__name__}.IMAGES", [*IMAGES, {"Repository": "assets", "Tag": "c"}])
    ecr("a", kind)
    ecr("b", handler.TAKEN)
    ecr("c", kind)
    status, reason = answer("Create")
    assert status == "FAILED"
    assert f"does not take the manifests of assets:a ({kind}), assets:c ({kind}): build" in reason


def test_an_image_that_is_not_there_is_named(ecr, answer):
    ecr("a", None)
    said = "The image assets:a is not in ECR: deploy the stack again."
    assert answer("Create") == ("FAILED", said)


def test_a_rollback_to_images_that_are_gone_does_not_fail(ecr, answer):
    """CloudFormation asks for what was before by an update, too."""
    ecr("a", None)
    ecr("b", handler.TAKEN)
    assert answer("Update") == ("SUCCESS", "")


def test_cloudformation_is_answered_though_ecr_hangs(assembly):
    (function,) = [
        f for f in assembly.resources("AWS::Lambda::Function", "dev") if f["Description"] == SEES
    ]
    client = handler._CLIENT
    asked = client.retries["total_max_attempts"] * (client.connect_timeout + client.read_timeout)
    assert len(IMAGES) * asked + ANSWER_SECONDS <= function["Timeout"]


def test_what_ecr_refuses_is_told(answer, monkeypatch):
    def refused(service, config):
        raise PermissionError("no credentials")

    monkeypatch.setattr(handler.boto3, "client", refused)
    assert answer("Update") == ("FAILED", "no credentials")


def test_nothing_is_asked_when_the_stack_goes(answer, monkeypatch):
    monkeypatch.delattr(handler.boto3, "client")
    assert answer("Delete") == ("SUCCESS", "")


def test_every_image_is_checked_by_a_function_that_reads_its_repository_only(assembly):
    template = assembly.template("dev", "images")["Resources"]
    (check,) = [r for r in template.values() if r["Type"] == "Custom::PublishedImages"]
    uris = [
        value["Properties"]["Value"]["Fn::Sub"]
        for value in template.values()
        if value["Type"] == "AWS::SSM::Parameter"
    ]
    checked = check["Properties"]["Images"]
    assert len(checked) == len(uris) == 3
    for image in checked:
        assert sum(uri.endswith(f":{image['Tag']}") for uri in uris) == 1
    grants = [
        statement
        for resource in template.values()
        if resource["Type"] == "AWS::IAM::Policy"
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
        if "ecr" in str(statement["Action"])
    ]
    assert [grant["Action"] for grant in grants] == ["ecr:BatchGetImage"]
    assert "cdk-hnb659fds-container-assets-" in str(grants[0]["Resource"])


@pytest.mark.parametrize("accelerator", ["cpu", "gpu"])
def test_the_training_image_for_gpus_is_built_on_a_base_that_is_pinned(tmp_path, accelerator):
    environment = f"[training]\naccelerator = '{accelerator}'\ninstance_type = 'ml.g4dn.xlarge'\n"
    (tmp_path / "dev.toml").write_text(environment if accelerator == "gpu" else "")
    app = cdk.App(outdir=str(tmp_path / "cdk.out"))
    stage = cdk.Stage(app, "dev")
    ImagesStack(stage, "images", settings=load("dev", folder=tmp_path))

    (assets,) = Path(stage.synth().directory).glob("*.assets.json")
    images = json.loads(assets.read_text())["dockerImages"].values()
    built = {image["displayName"]: image["source"].get("dockerBuildArgs", {}) for image in images}

    assert built["training image"].pop("ACCELERATOR") == accelerator
    assert ("@sha256:" in built["training image"].get("BASE", "")) == (accelerator == "gpu")
    assert ("RUNTIME" in built["training image"]) == (accelerator == "gpu")
    assert built["inference image"] == {"ACCELERATOR": "cpu"}
    assert built["processing image"] == {}
