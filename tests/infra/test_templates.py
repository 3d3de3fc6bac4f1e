import filecmp
import json
from pathlib import Path

import cdk_nag
import pytest

from infra.assembly import UNITS
from infra.settings import ENVIRONMENTS
from tests.infra.conftest import WIDE

REPOSITORY = Path(__file__).resolve().parents[2]


OUTPUTS = {
    "data": {
        "DropsBucketName",
        "WorkingBucketName",
        "ArtifactsBucketName",
        "InferenceBucketName",
    },
    "images": {"ProcessingImageUri", "TrainingImageUri", "InferenceImageUri"},
    "training": {"PipelineName", "ModelPackageGroupName", "ModelPackageGroupArn"},
    "trigger": {"DropsTableName", "StarterFunctionName"},
    "serving": {"EndpointName", "ModelPackageArn"},
    "operations": {"TopicArn"},
    "network": set(),
}


@pytest.mark.parametrize("unit", UNITS)
def test_a_stack_has_the_documented_outputs(assembly, unit):
    outputs = assembly.template("dev", unit).get("Outputs", {})
    assert {name for name in outputs if not name.startswith("ExportsOutput")} == OUTPUTS[unit]


def test_stacks_are_named_by_environment_and_unit(assembly):
    for environment in ENVIRONMENTS:
        manifest = json.loads(
            (assembly.folder / f"assembly-{environment}" / "manifest.json").read_text()
        )
        stacks = {
            artifact["properties"]["stackName"]: artifact["properties"]
            for artifact in manifest["artifacts"].values()
            if artifact["type"] == "aws:cloudformation:stack"
        }
        assert set(stacks) == {f"shardwise-{environment}-{unit}" for unit in UNITS}
        guarded = {bool(stack.get("terminationProtection")) for stack in stacks.values()}
        assert guarded == {environment != "dev"}


def test_two_synths_are_byte_identical_and_validated_once(wide, synth, tmp_path, monkeypatch):
    """Another temporary folder, another hash seed, after others in a process: the same bytes."""
    kept = {"SHARDWISE_CACHE": str(wide.folder.with_name("kept"))}
    monkeypatch.setattr(cdk_nag, "AwsSolutionsChecks", None)
    again = synth(tmp_path / "cdk.out", WIDE, kept)
    assert differences(wide.folder, again.folder) == []
    with pytest.raises(TypeError, match="NoneType"):
        synth(tmp_path / "changed", {**WIDE, "operations.log_days": "7"}, kept)


def differences(one: Path, other: Path) -> list[str]:
    names = [
        {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        for folder in (one, other)
    ]
    _, different, unreadable = filecmp.cmpfiles(one, other, names[0] & names[1], shallow=False)
    return sorted((names[0] ^ names[1]) | set(different) | set(unreadable))


def test_a_change_of_an_image_file_changes_only_the_images_that_hold_it(assembly):
    manifests = (assembly.folder / "assembly-dev").glob("devimages*.assets.json")
    images = json.loads(next(manifests).read_text())["dockerImages"]
    held = {
        image["displayName"]: {
            path.name
            for path in (
                assembly.template_file("dev", "images").parent / image["source"]["directory"]
            ).iterdir()
        }
        for image in images.values()
    }
    assert held == {
        "processing image": {"processing", "preprocessing", "drops", "records"},
        "training image": {"training", "records"},
        "inference image": {"inference", "preprocessing", "drops"},
    }
    for image in images.values():
        assert image["source"]["platform"] == "linux/amd64"
        assert image["source"]["dockerOutputs"] == ["type=docker"]


def test_no_tests_and_no_readme_are_in_an_image(assembly):
    unwanted = [
        path
        for path in assembly.folder.glob("asset.*/**/*")
        if path.name in ("tests", "README.md", "__pycache__")
    ]
    assert unwanted == []


def test_an_unknown_environment_is_refused_with_one_sentence(run, tmp_path):
    done = run(tmp_path / "cdk.out", {"environment": "qa"})
    assert done.returncode != 0
    said = [line for line in done.stderr.splitlines() if line.startswith("shardwise:")]
    assert len(said) == 1
    assert "There is no environment 'qa'" in said[0]
    assert "Traceback" not in done.stderr


def test_the_cdk_cli_is_pinned():
    package = json.loads((REPOSITORY / "package.json").read_text())
    locked = json.loads((REPOSITORY / "package-lock.json").read_text())
    pinned = package["devDependencies"]["aws-cdk"]
    assert pinned == locked["packages"]["node_modules/aws-cdk"]["version"] == "2.1148.1"
