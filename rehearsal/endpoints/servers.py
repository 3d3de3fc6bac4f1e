"""What a variant's model servers are made from: image, environment, and the model's archive."""

import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.authorization import sagemaker
from rehearsal.authorization.sagemaker import AccessDenied
from rehearsal.backends import Variant
from rehearsal.endpoints.errors import FleetError
from rehearsal.images import environments
from rehearsal.images.registry import Image
from rehearsal.s3_uri import S3Uri
from rehearsal.settings import RehearsalSettings

_CHUNK = 1 << 20


@dataclass(frozen=True)
class ModelServer:
    """What every instance of a variant runs; `archive` is None where the model has no data."""

    variant: Variant
    image: Image
    environment: Path
    archive: Path | None
    variables: Mapping[str, str]


def _download(role: aws.Role, variant: Variant, target: Path) -> None:
    """Writes the archive that the variant's model names to the file `target`, as the model's role.

    Raises:
        FleetError: it is not there, or the role may not read it.
    """
    uri = variant.model_data_url or ""
    try:
        place = S3Uri.parse(uri)
        s3 = role.client("s3")
        # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html asks for it.
        s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key, MaxKeys=1)
        body: Any = s3.get_object(Bucket=place.bucket, Key=place.key)
        with target.open("wb") as file:
            for chunk in body["Body"].iter_chunks(_CHUNK):
                file.write(chunk)
    except (ClientError, BotoCoreError, ValueError) as error:
        raise FleetError(
            f'Failed to download model data for the variant {variant.name} from URL: "{uri}". '
            "Please ensure that there is an object located at the URL and that the role "
            f"{variant.role_arn} has permissions to download it: {error}"
        ) from error
    except OSError as error:
        raise FleetError(
            f"The model data {uri} can't be written to disk: {error.strerror}."
        ) from error


def unpack(archive: Path, folder: Path, uri: str | None) -> None:
    """Unpacks `archive` into `folder`; what would lie outside of it is refused.

    Args:
        uri: where the archive is from, for messages.

    Raises:
        FleetError: it is no such archive, or the disk is full.
    """
    try:
        with tarfile.open(archive, "r:gz") as tar:
            _extract(tar, folder)
    except (tarfile.TarError, EOFError) as error:
        raise FleetError(
            f"The model data {uri} is no model.tar.gz that can be unpacked ({error}): pack the "
            f"model's files with tar -czf."
        ) from error
    except OSError as error:
        raise FleetError(f"The model data {uri} can't be unpacked: {error}.") from error


def _extract(tar: tarfile.TarFile, folder: Path) -> None:
    if hasattr(tarfile, "data_filter"):
        tar.extractall(folder, filter="data")
        return
    # Python before 3.11.4, as Debian 12 has it, knows no filters.
    for member in tar:
        place = folder / member.name
        target = place.parent / member.linkname if member.issym() else folder / member.linkname
        outside = any(
            not path.resolve().is_relative_to(folder.resolve()) for path in (place, target)
        )
        if outside or not (member.isfile() or member.isdir() or member.issym() or member.islnk()):
            raise tarfile.ExtractError(f"{member.name} is no file of its own folder")
    tar.extractall(folder)  # noqa: S202 - checked above


def prepare(
    settings: RehearsalSettings,
    variant: Variant,
    folder: Path,
    report: Callable[[str], None],
    volume_key_id: str | None = None,
) -> ModelServer:
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
        _download(role, variant, archive)
    region = {"AWS_REGION": settings.region, "AWS_DEFAULT_REGION": settings.region}
    return ModelServer(variant, image, environment, archive, region | variant.environment)
