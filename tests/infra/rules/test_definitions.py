"""Each rule finds what it is for, where it is, and says what to do."""

import pytest

from infra.costs import load_prices
from infra.rules.definitions import check_definition
from infra.rules.environments import check_environment
from infra.settings import ENVIRONMENTS, load
from infra.suppressions import stale, unsuppressed
from infra.suppressions.tables import suppressions_of
from tests.infra.options import CONTEXT
from tests.infra.rules.changes import GONE, argument, of_step

CLUSTER = "ProcessingResources.ClusterConfig"
OTHER_BUCKET = {"Std:Join": {"On": "/", "Values": ["s3://elsewhere", {"Get": "Parameters.DropId"}]}}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_all_that_our_own_rules_find_is_explained(assembly, environment):
    settings, templates = load(environment), assembly.templates(environment)
    found = check_environment(templates, region=settings.region, prices=load_prices())
    left = unsuppressed(found, suppressions_of(settings))
    assert not left, "\n".join(finding.sentence for finding in left)


@pytest.mark.parametrize("variant", ["assembly", "options"])
def test_every_explanation_is_of_something_that_our_own_rules_find(request, variant):
    settings = load("dev", CONTEXT if variant == "options" else {})
    templates = request.getfixturevalue(variant).templates("dev")
    found = check_environment(templates, region=None, prices=load_prices())
    exceptions = suppressions_of(settings)
    assert unsuppressed(found, exceptions) == []
    assert stale(found, exceptions) == []


BROKEN = [
    ("volume-key", "ShardImages", f"{CLUSTER}.VolumeKmsKeyId", GONE, "has no KMS key"),
    ("volume-key", "TrainModel", "ResourceConfig.VolumeKmsKeyId", GONE, "has no KMS key"),
    (
        "encrypted-outputs",
        "EvaluateModel",
        "ProcessingOutputConfig.Outputs[0].S3Output.S3Uri",
        OTHER_BUCKET,
        "'elsewhere' is no bucket of ours",
    ),
    (
        "encrypted-outputs",
        "TrainModel",
        "OutputDataConfig.S3OutputPath",
        "s3://elsewhere/models",
        "name a key",
    ),
    ("encrypted-outputs", "TrainModel", "CheckpointConfig.S3Uri", OTHER_BUCKET, "name a key"),
    (
        "encrypted-traffic",
        "ShardImages",
        "NetworkConfig.EnableInterContainerTrafficEncryption",
        False,
        "plain text",
    ),
    ("encrypted-traffic", "TrainModel", "EnableInterContainerTrafficEncryption", GONE, "to true"),
    ("network-isolation", "EvaluateModel", "NetworkConfig.EnableNetworkIsolation", GONE, "to true"),
    ("network-isolation", "TrainModel", "EnableNetworkIsolation", False, "have a network"),
    ("time-limit", "ShardImages", "StoppingCondition", GONE, "no time limit"),
    ("time-limit", "TrainModel", "StoppingCondition.MaxWaitTimeInSeconds", 60, "raise it"),
    ("time-limit", "TrainModel", "EnableManagedSpotTraining", False, "leave it out"),
    ("tags", "TrainModel", "Tags", [{"Key": "Project", "Value": "x"}], "no tag Environment"),
    ("pinned-image", "ShardImages", "AppSpecification.ImageUri", "images:latest", "pin it"),
    ("pinned-image", "TrainModel", "AlgorithmSpecification.TrainingImage", "images", "pin it"),
    (
        "pinned-image",
        "RegisterModel",
        "InferenceSpecification.Containers[0].Image",
        "images:1.0",
        "another image tomorrow",
    ),
    (
        "pinned-image",
        "EvaluateModel",
        "AppSpecification.ImageUri",
        {"Get": "Parameters.DropId"},
        "only when the execution starts",
    ),
    ("roles", "TrainModel", "RoleArn", GONE, "names no role"),
    (
        "instance-type",
        "TrainModel",
        "ResourceConfig.InstanceType",
        "ml.c5.large",
        "for hosting and not for training",
    ),
    ("instance-type", "ShardImages", f"{CLUSTER}.InstanceType", "ml.m5.huge", "nearest is"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda b: f"{b[0]}-{b[1]}-{b[2]}")
def test_a_rule_finds_what_is_wrong_and_says_what_to_do(found_after, broken):
    rule, step, path, value, said = broken
    found = [f for f in found_after(argument(step, path, value)) if f.rule == rule]
    assert {finding.subject for finding in found} == {step}
    assert any(said in finding.sentence for finding in found), found
    assert all(finding.sentence.count(". ") == 0 for finding in found)


def test_a_job_whose_instance_has_local_disks_takes_no_key(found_after):
    def local_disks(definition, key):
        argument("TrainModel", "ResourceConfig.InstanceType", "ml.g4dn.xlarge")(definition)
        if not key:
            argument("TrainModel", "ResourceConfig.VolumeKmsKeyId")(definition)

    assert found_after(lambda d: local_disks(d, key=False)) == []
    (found,) = found_after(lambda d: local_disks(d, key=True))
    assert (found.rule, found.path) == ("volume-key", "ResourceConfig.VolumeKmsKeyId")


def test_jobs_of_different_duties_share_no_role(assembly, found_after):
    training = assembly.definition("dev").arguments("TrainModel")["RoleArn"]
    (found,) = found_after(argument("EvaluateModel", "RoleArn", training))
    assert found.rule == "roles"
    assert "TrainModel" in found.sentence
    assert "EvaluateModel" in found.sentence


def test_steps_whose_jobs_would_have_one_name_are_told(found_after):
    def beside_shard_images(definition, name):
        definition.steps[name] = definition.steps["ShardImages"] | {"Name": name}

    def both(definition, other):
        beside_shard_images(definition, "ResampleAllTheImagesOnce")
        beside_shard_images(definition, other)

    assert found_after(lambda d: both(d, "ResampleAllThePicturesOnce")) == []
    (found,) = found_after(lambda d: both(d, "resampleAllTheImagesTwice"))
    assert (found.rule, found.subject) == ("step-names", "resampleAllTheImagesTwice")
    assert "ResampleAllTheImagesOnce" in found.sentence


@pytest.mark.parametrize("step", ["ShardImages", "TrainModel", "RegisterModel"])
def test_what_is_nobodys_fault_is_tried_again(found_after, step):
    found = found_after(of_step(step, "RetryPolicies"))
    assert {(f.subject, f.rule) for f in found} == {(step, "retries")}
    assert "Step.THROTTLING" in found[0].sentence


def test_an_image_by_its_digest_is_pinned(found_after):
    image = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/images@sha256:{'a' * 64}"
    assert found_after(argument("TrainModel", "AlgorithmSpecification.TrainingImage", image)) == []


def test_an_output_with_a_key_may_go_to_any_bucket(found_after):
    def elsewhere(definition):
        argument("TrainModel", "OutputDataConfig.S3OutputPath", "s3://elsewhere/x")(definition)
        argument("TrainModel", "OutputDataConfig.KmsKeyId", "1234-key")(definition)

    assert found_after(elsewhere) == []


def test_a_region_that_the_price_table_lacks_is_not_judged(assembly):
    definition = assembly.definition("dev")
    argument("TrainModel", "ResourceConfig.InstanceType", "ml.m7i.large")(definition)
    found = check_definition(definition, region="ap-east-1", prices=load_prices())
    rules = {f.rule for f in found}
    assert "instance-type" not in rules
