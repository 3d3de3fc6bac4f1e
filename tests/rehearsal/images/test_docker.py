"""The `docker` that the CDK CLI calls, run as it runs it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from rehearsal import aws
from rehearsal.images import registry
from rehearsal.images.errors import ImageError
from rehearsal.settings import ANNOUNCEMENT, RehearsalSettings
from tests.rehearsal.images.support import REPOSITORY, pulled, write_context

DOCKER = Path(__file__).parents[3] / "rehearsal" / "images" / "docker"
HOST = "000000000000.dkr.ecr.us-east-1.amazonaws.com"


def docker(
    settings: RehearsalSettings, folder: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    variables = os.environ | {
        "REHEARSAL_STATE": str(settings.state),
        "REHEARSAL_CACHE": str(settings.cache),
        "AWS_ENDPOINT_URL": settings.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    return subprocess.run(
        [DOCKER, *arguments],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        input="token",
        check=False,
    )


def test_what_the_cdk_cli_builds_tags_and_pushes_is_found_by_its_uri(
    settings: RehearsalSettings, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "asset", "print('hello')")
    uri = f"{HOST}/{REPOSITORY}:abc"
    login = ("login", "--username", "AWS", "--password-stdin", HOST)
    build = ("build", "--build-arg", "A=b", "--tag", "cdkasset-abc", "--file", "Dockerfile")
    options = ("--platform", "linux/amd64", "--output=type=docker")
    calls = [login, (*build, *options, "."), ("tag", "cdkasset-abc", uri)]

    assert docker(settings, context, "inspect", "cdkasset-abc").returncode == 1
    for call in [*calls, ("inspect", "cdkasset-abc"), ("push", uri), ("push", uri)]:
        done = docker(settings, context, *call)
        assert done.returncode == 0, done.stderr

    image = pulled(settings, uri)
    assert (image.program / "program" / "__main__.py").read_text() == "print('hello')"
    assert image.config.entrypoint == ("python", "-m", "program")
    assert image.config.environment["FROM_IMAGE"] == "yes"
    listed = docker(
        settings, context, "images", "--format", "{{.Repository}}:{{.Tag}}",
        "--filter", "reference=*/*:abc",
    )  # fmt: skip
    assert listed.stdout.split() == [uri]

    assert docker(settings, context, "rmi", "cdkasset-abc").returncode == 0
    assert docker(settings, context, "inspect", "cdkasset-abc").returncode == 1
    assert pulled(settings, uri) == image


def test_the_id_of_an_image_is_that_of_its_content(
    settings: RehearsalSettings, tmp_path: Path
) -> None:
    images = registry.Images(settings.state)
    first, same, other = (
        images.build(write_context(tmp_path / name, program), "Dockerfile", {}, name).id
        for name, program in (("a", "print(1)"), ("b", "print(1)"), ("c", "print(2)"))
    )

    assert first == same
    assert first != other


def test_an_image_that_nobody_pushed_is_told_in_a_sentence(settings: RehearsalSettings) -> None:
    with pytest.raises(ImageError, match="deploy the stack that builds it"):
        pulled(settings, f"{HOST}/{REPOSITORY}:never")
    with pytest.raises(ImageError, match="no ECR repository none"):
        pulled(settings, f"{HOST}/none:never")
    with pytest.raises(ImageError, match="is no ECR image URI"):
        pulled(settings, "python:3.11")


def test_an_image_of_another_origin_is_not_taken_for_ours(settings: RehearsalSettings) -> None:
    aws.client(settings, "ecr").put_image(
        repositoryName=REPOSITORY, imageManifest='{"schemaVersion": 2}', imageTag="foreign"
    )

    with pytest.raises(ImageError, match="was not pushed by this rehearsal"):
        pulled(settings, f"{HOST}/{REPOSITORY}:foreign")


def test_a_shell_without_the_rehearsals_variables_is_told_what_to_run(tmp_path: Path) -> None:
    variables = {key: value for key, value in os.environ.items() if "REHEARSAL" not in key}

    done = subprocess.run(
        [DOCKER, "inspect", "x"],
        cwd=tmp_path,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "./scripts/local-aws env" in done.stderr


def test_an_output_that_is_no_image_of_docker_is_refused(
    settings: RehearsalSettings, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "asset", "")

    done = docker(settings, context, "build", "--tag", "it", "--output=type=oci,dest=it.tar", ".")

    assert done.returncode == 1
    assert "use --output type=docker" in done.stderr


def test_a_gpu_build_says_that_it_runs_on_the_cpu(
    settings: RehearsalSettings, tmp_path: Path
) -> None:
    context = write_context(tmp_path / "gpu", "")

    done = docker(settings, context, "build", "--build-arg", "ACCELERATOR=gpu", "--tag", "gpu", ".")

    assert done.returncode == 0
    assert "on this machine's CPU" in done.stderr


@pytest.mark.parametrize(
    ("oci_images", "output", "kind"),
    [
        (False, (), registry.MANIFEST_TYPE),
        (True, (), registry.OCI_MANIFEST_TYPE),
        (True, ("--output=type=docker",), registry.MANIFEST_TYPE),
    ],
)
def test_the_manifest_is_of_the_type_that_the_builders_store_makes(
    settings: RehearsalSettings,
    tmp_path: Path,
    oci_images: bool,
    output: tuple[str, ...],
    kind: str,
) -> None:
    announced = settings.state / ANNOUNCEMENT
    announced.write_text(json.dumps({"oci_images": oci_images}))
    context = write_context(tmp_path / "asset", f"print({output}, {oci_images})")
    uri = f"{HOST}/{REPOSITORY}:store-{oci_images}-{len(output)}".lower()
    try:
        for call in (("build", *output, "--tag", uri, "."), ("push", uri)):
            done = docker(settings, context, *call)
            assert done.returncode == 0, done.stderr
    finally:
        announced.unlink()
    place = registry.parse(uri)
    (image,) = aws.client(settings, "ecr").batch_get_image(
        repositoryName=place.repository, imageIds=[place.identifier]
    )["images"]
    assert image["imageManifestMediaType"] == kind
