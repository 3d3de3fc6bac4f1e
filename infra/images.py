"""Builds and publishes the images at deployment; synthesis needs no Docker."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra import grants, sources
from infra.function import python_function
from infra.settings import Settings

CONTAINERS = Path(__file__).parents[1] / "containers"

# The GPU build compiles with CUDA's nvcc and NCCL; what it makes needs the driver only, as CUDA's
# libraries come with TensorFlow. Of the CUDA that requirements-gpu.txt has; in Ubuntu 24.04 both.
_GPU_BASES = {
    "BASE": "nvidia/cuda:12.9.1-devel-ubuntu24.04"
    "@sha256:020bc241a628776338f4d4053fed4c38f6f7f3d7eb5919fecb8de313bb8ba47c",
    "RUNTIME": "ubuntu:24.04",
}
_NOT_IN_IMAGES = ("**/tests", "**/README.md", "**/__pycache__", "**/.*", "**/*.pyc")


class ImagesStack(cdk.Stack):
    """Images `processing`, `training` and `inference`.

    Each is built from the folder `containers/` with its own Dockerfile, and only what that
    Dockerfile copies is part of its hash.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        containers: Path = CONTAINERS,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self._settings = settings
        self._containers = containers
        self.processing = self._image(
            "processing", folders=("processing", "preprocessing", "drops", "records")
        )
        self.training = self._image(
            "training",
            folders=("training", "records"),
            accelerator=settings.training.accelerator,
            gpu_arguments=_GPU_BASES,
        )
        self.inference = self._image(
            "inference",
            folders=("inference", "preprocessing", "drops"),
            accelerator=settings.endpoint.accelerator,
        )
        self._check_published(self.processing, self.training, self.inference)

    def _image(
        self,
        name: str,
        *,
        folders: tuple[str, ...],
        accelerator: str | None = None,
        gpu_arguments: Mapping[str, str] | None = None,
    ) -> ecr_assets.DockerImageAsset:
        arguments = {"ACCELERATOR": accelerator} if accelerator else {}
        if accelerator == "gpu":
            arguments |= gpu_arguments or {}
        image = ecr_assets.DockerImageAsset(
            self,
            name.capitalize(),
            directory=str(self._containers),
            file=f"{name}/Dockerfile",
            exclude=["*", *(f"!{folder}" for folder in folders), *_NOT_IN_IMAGES],
            ignore_mode=cdk.IgnoreMode.DOCKER,
            platform=ecr_assets.Platform.LINUX_AMD64,
            build_args=arguments or None,
            # Docker's own schema 2 also where its images lie in containerd's store, which would
            # write OCI's: CreateModel refuses that.
            outputs=["type=docker"],
            asset_name=f"shardwise-{name}",
            display_name=f"{name} image",
        )
        self._publish_uri(name, image)
        return image

    def _check_published(self, *images: ecr_assets.DockerImageAsset) -> None:
        """Fails this stack, before any other uses an image, where SageMaker would refuse one."""
        function = python_function(
            self,
            "PublishedFunction",
            handler="functions.custom_resources.published_images.handler",
            description="Sees that SageMaker takes the images that were published",
            settings=self._settings,
            timeout=cdk.Duration.minutes(3),
        )
        repositories = list(dict.fromkeys(image.repository.repository_arn for image in images))
        grants.allow(function, ["ecr:BatchGetImage"], repositories)
        cdk.CustomResource(
            self,
            "Published",
            resource_type="Custom::PublishedImages",
            service_token=function.function_arn,
            properties={
                "Images": [
                    {"Repository": image.repository.repository_name, "Tag": image.image_tag}
                    for image in images
                ]
            },
        )

    def _publish_uri(self, name: str, image: ecr_assets.DockerImageAsset) -> None:
        description = f"URI of the {name} image"
        # An image is an asset, no resource, and CloudFormation refuses a stack without one.
        parameter = ssm.StringParameter(
            self,
            f"{name.capitalize()}ImageParameter",
            parameter_name=f"/{self._settings.name}/images/{name}",
            string_value=image.image_uri,
            description=description,
        )
        staged = Path(cast(cdk.Stage, cdk.Stage.of(self)).asset_outdir)
        files = sources.digests(staged / f"asset.{image.asset_hash}")
        cast(ssm.CfnParameter, parameter.node.default_child).add_metadata(sources.METADATA, files)
        cdk.CfnOutput(
            self, f"{name.capitalize()}ImageUri", value=image.image_uri, description=description
        )
