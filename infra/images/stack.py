"""Builds and publishes the images at deployment; synthesis needs no Docker."""

from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from infra import sources
from infra.settings import Settings

CONTAINERS = Path(__file__).parents[2] / "containers"

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
            "processing", folders=("processing", "preprocessing", "drops")
        )
        self.training = self._image(
            "training", folders=("training",), accelerator=settings.training.accelerator
        )
        self.inference = self._image(
            "inference",
            folders=("inference", "preprocessing", "drops"),
            accelerator=settings.endpoint.accelerator,
        )

    def _image(
        self, name: str, *, folders: tuple[str, ...], accelerator: str | None = None
    ) -> ecr_assets.DockerImageAsset:
        image = ecr_assets.DockerImageAsset(
            self,
            name.capitalize(),
            directory=str(self._containers),
            file=f"{name}/Dockerfile",
            exclude=["*", *(f"!{folder}" for folder in folders), *_NOT_IN_IMAGES],
            ignore_mode=cdk.IgnoreMode.DOCKER,
            platform=ecr_assets.Platform.LINUX_AMD64,
            build_args={"ACCELERATOR": accelerator} if accelerator else None,
            asset_name=f"shardwise-{name}",
            display_name=f"{name} image",
        )
        self._publish_uri(name, image)
        return image

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
