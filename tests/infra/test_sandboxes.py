"""Environments of one account, and sandboxes of one environment, don't meet."""

import itertools
import json
import re
from fnmatch import fnmatchcase

import pytest

from infra.assembly import plain_text
from tests.infra.cloud_assembly import CloudAssembly

# Properties that name something in an account and Region.
NAME = re.compile(r"(Name|Alias|Identifier)$")
# What is named by its role, and what is no name of the thing itself.
NO_NAMES = ("PolicyName", "MetricName", "ServiceName", "DisplayName", "PipelineDisplayName")
STAGES = ("dev", "dev-anna", "prod")


@pytest.fixture(scope="module")
def assemblies(assembly, synth, tmp_path_factory) -> dict[str, CloudAssembly]:
    """Dev, a sandbox of it, and prod."""
    context = {"environment": "dev", "qualifier": "anna"}
    sandbox = synth(tmp_path_factory.mktemp("sandbox"), context)
    return {"dev": assembly, "dev-anna": sandbox, "prod": assembly}


@pytest.fixture(scope="module")
def names(assemblies):
    """By stage: (kind, name) of all that is named by us and not by CloudFormation."""
    return {stage: set(_names(assemblies[stage], stage)) for stage in STAGES}


def _names(assembly, stage):
    manifest = json.loads((assembly.folder / f"assembly-{stage}/manifest.json").read_text())
    for artifact in manifest["artifacts"].values():
        if artifact["type"] == "aws:cloudformation:stack":
            yield "stack", artifact["properties"]["stackName"]
    for template in assembly.templates(stage).values():
        for output in template.get("Outputs", {}).values():
            if "Export" in output:
                yield "export", output["Export"]["Name"]
        for resource in template["Resources"].values():
            for key, value in resource.get("Properties", {}).items():
                if NAME.search(key) and key not in NO_NAMES and not _refers(value):
                    yield f"{resource['Type']} {key}", plain_text(value)


def _refers(value):
    """Whether it is made of what CloudFormation named, which is unique."""
    references = re.findall(
        r'"(Ref|Fn::GetAtt|Fn::ImportValue)": (\["|")([\w:]+)', json.dumps(value)
    )
    return any(not name.startswith("AWS::") for _, _, name in references)


def test_no_name_or_export_is_shared(names):
    for one, other in itertools.combinations(STAGES, 2):
        assert names[one] & names[other] == set()


def test_what_has_to_be_named_is_named(names):
    kinds = {kind.split(" ")[0] for kind, _ in names["dev-anna"]}
    assert {"stack", "export", "AWS::SageMaker::Pipeline", "AWS::SageMaker::Endpoint"} <= kinds
    assert ("AWS::SageMaker::Endpoint EndpointName", "shardwise-dev-anna") in names["dev-anna"]


@pytest.mark.parametrize("stage", STAGES)
def test_every_name_has_the_environments_in_it(names, stage):
    assert [name for _, name in names[stage] if f"shardwise-{stage}" not in name] == []


def test_no_permission_reaches_another_environments_things(assemblies):
    for stage in STAGES:
        for other in set(STAGES) - {stage}:
            for pattern in _resources(assemblies[stage], stage):
                assert not [arn for arn in _things(other) if fnmatchcase(arn, pattern)], pattern


def _resources(assembly, stage):
    """What the policies name that is named like an environment, as patterns."""
    for policy in assembly.resources("AWS::IAM::Policy", stage):
        for statement in policy["PolicyDocument"]["Statement"]:
            named = statement["Resource"]
            for resource in named if isinstance(named, list) else [named]:
                if "shardwise-" in (pattern := plain_text(resource)) and not _refers(resource):
                    yield pattern.split(":", 5)[5]


def _things(stage):
    name = f"shardwise-{stage}"
    yield from (f"endpoint/{name}", f"pipeline/{name}", f"pipeline/{name}/execution/0a1b2c3d")
    yield from (f"model-package-group/{name}-0a1b2c3d", f"model-package/{name}-0a1b2c3d/1")
    yield from (f"stack/{name}-{unit}/0a1b-2c3d" for unit in ("data", "serving", "operations"))
    yield from (f"log-group:/aws/sagemaker/Endpoints/{name}", f"parameter/{name}/network/vpc")


@pytest.mark.parametrize("stage", STAGES)
def test_everything_is_tagged_with_its_environment(assemblies, stage):
    tagged = [
        properties["Tags"]
        for kind in ("AWS::S3::Bucket", "AWS::IAM::Role", "AWS::SQS::Queue", "AWS::KMS::Key")
        for properties in assemblies[stage].resources(kind, stage)
    ]
    assert tagged
    for tags in tagged:
        assert {"Key": "Environment", "Value": stage} in tags


@pytest.mark.parametrize(("stage", "kept"), [("dev", False), ("dev-anna", False), ("prod", True)])
def test_protection_and_retention_follow_the_environment(assemblies, stage, kept):
    assembly = assemblies[stage]
    manifest = json.loads((assembly.folder / f"assembly-{stage}/manifest.json").read_text())
    for artifact in manifest["artifacts"].values():
        if artifact["type"] == "aws:cloudformation:stack":
            assert artifact["properties"].get("terminationProtection", False) == kept
    kinds = {
        "AWS::S3::Bucket",
        "AWS::KMS::Key",
        "AWS::DynamoDB::Table",
        "AWS::Logs::LogGroup",
    }
    seen = set()
    for template in assembly.templates(stage).values():
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] in kinds:
                seen.add(resource["Type"])
                replaced = "Retain" if kept else "Delete"
                assert resource["UpdateReplacePolicy"] == replaced, logical_id
                assert resource["DeletionPolicy"] == deletion(logical_id, resource, kept)
            if resource["Type"] == "AWS::DynamoDB::Table":
                protected = resource["Properties"].get("DeletionProtectionEnabled", False)
                assert protected == kept, logical_id
            if resource["Type"] == "AWS::SageMaker::ModelPackageGroup":
                # One that holds packages can't be deleted.
                assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
    assert seen == kinds


@pytest.mark.parametrize("stage", STAGES)
def test_what_stays_of_a_creation_that_was_rolled_back_has_no_name_of_ours(assemblies, stage):
    """It would be in the way of the next."""
    for template in assemblies[stage].templates(stage).values():
        for logical_id, resource in template["Resources"].items():
            if resource.get("DeletionPolicy") == "Retain":
                properties = resource["Properties"]
                assert not [key for key in properties if NAME.search(key)], logical_id


def deletion(logical_id, resource, kept):
    """What is kept goes where its creation is rolled back, so that it can be made again; but not
    what may refuse that, with which the rollback would fail.
    """
    resists = resource["Type"] == "AWS::DynamoDB::Table" or logical_id.startswith("AccessLogs")
    return ("Retain" if resists else "RetainExceptOnCreate") if kept else "Delete"
