"""What a variant's servers run, made ready once for all its instances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rehearsal import aws
from rehearsal.authorization import sagemaker
from rehearsal.authorization.sagemaker import AccessDenied
from rehearsal.backends import Variant
from rehearsal.endpoints import artifact
from rehearsal.endpoints.errors import FleetError
from rehearsal.endpoints.instance import Server
from rehearsal.images import environments
from rehearsal.settings import RehearsalSettings


def prepare(
    settings: RehearsalSettings,
    variant: Variant,
    folder: Path,
    report: Callable[[str], None],
    volume_key_id: str | None = None,
) -> Server:
    """Resolves the image, makes its environment and downloads the model into `folder`.

    Args:
        report: is told what is being made, a line at a time.
        volume_key_id: KMS key of the instances' volumes.

    Raises:
        FleetError: the image or the model can't be had, or whatever `report` raises.
        ImageError: there is no such image, or its environment can't be made.
    """
    role = aws.Role(settings, variant.role_arn, "SageMaker-endpoint")
    try:
        image = sagemaker.pull_image(settings, role, variant.image)
        sagemaker.encrypt_volume(role, volume_key_id)
    except AccessDenied as error:
        raise FleetError(str(error)) from error
    environment = environments.ensure(image.program, cache=settings.cache, report=report)
    archive = None
    if variant.model_data_url:
        folder.mkdir(parents=True, exist_ok=True)
        archive = folder / f"{variant.name}.tar.gz"
        artifact.download(settings, variant, archive)
    region = {"AWS_REGION": settings.region, "AWS_DEFAULT_REGION": settings.region}
    return Server(variant, image, environment, archive, region | variant.environment)
