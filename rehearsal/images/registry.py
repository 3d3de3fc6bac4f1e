"""Images by id, by local tag and in the rehearsal's ECR.

An image is a folder `<state>/images/<id>/`: `config.json` and `root/`, its files. Its id is the
SHA-256 of both. The rehearsal's ECR holds a manifest whose config digest is the id, as a registry's
manifest names an image's config: https://distribution.github.io/distribution/spec/manifest-v2-2/
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import urllib.parse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.images import dockerfile
from rehearsal.images.errors import ImageError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
# Of a manifest's own type, that of the config it names.
_CONFIG_TYPES = {
    MANIFEST_TYPE: "application/vnd.docker.container.image.v1+json",
    OCI_MANIFEST_TYPE: "application/vnd.oci.image.config.v1+json",
}
_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9][a-z0-9._/-]*)"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class ImageUri:
    """An image's place in an ECR repository; a URI with neither tag nor digest means the tag
    `latest`.
    """

    account: str
    region: str
    repository: str
    tag: str | None
    digest: str | None

    @property
    def identifier(self) -> ImageIdentifierTypeDef:
        """As ECR's operations name it."""
        return {"imageDigest": self.digest} if self.digest else {"imageTag": self.tag or "latest"}


@dataclass(frozen=True)
class Config:
    """How an image starts."""

    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: dict[str, str]
    workdir: str
    manifest_type: str = MANIFEST_TYPE


@dataclass(frozen=True)
class Image:
    """An image that the rehearsal has: `root` holds its files, each below it where it lies in the
    image.
    """

    id: str
    root: Path
    config: Config

    @property
    def program(self) -> Path:
        """Where the image's working folder is laid out."""
        return dockerfile.below(self.root, self.config.workdir)


def parse(uri: str) -> ImageUri:
    """The parts of an ECR image URI.

    Raises:
        ImageError: it is none.
    """
    match = _URI.fullmatch(uri)
    if match is None:
        raise ImageError(
            f"'{uri}' is no ECR image URI: write "
            "<account>.dkr.ecr.<region>.amazonaws.com/<repository>:<tag>."
        )
    return ImageUri(**match.groupdict())


class Images:
    """The images below a state folder. Several processes may use one folder at once."""

    def __init__(self, state: Path):
        self._folder = state / "images"
        self._tags = self._folder / "tags"

    def build(
        self,
        context: Path,
        file: str,
        build_args: Mapping[str, str],
        tag: str,
        manifest_type: str = MANIFEST_TYPE,
    ) -> Image:
        """Lays out the image that the Dockerfile `file` (relative to `context`) describes, and tags
        it.

        Args:
            manifest_type: the media type that its manifest will have in a registry.

        Raises:
            ImageError: the Dockerfile or a file that it names can't be read.
        """
        recipe = dockerfile.read(context / file, build_args)
        config = Config(
            recipe.entrypoint, recipe.command, recipe.environment, recipe.workdir, manifest_type
        )
        self._folder.mkdir(parents=True, exist_ok=True)
        # Made whole beside its place and then renamed, so nobody ever finds half an image.
        made = Path(tempfile.mkdtemp(prefix=".making-", dir=self._folder))
        try:
            made.chmod(0o755)
            dockerfile.lay_out(recipe, context, made / "root")
            settings = json.dumps(asdict(config), sort_keys=True, indent=2).encode()
            (made / "config.json").write_bytes(settings)
            image_id = dockerfile.digest(made / "root", settings)
            if not (self._folder / image_id).exists():
                _rename(made, self._folder / image_id)
        except (OSError, shutil.Error) as error:
            raise ImageError(
                f"The image {tag} can't be laid out in {self._folder}: {error}."
            ) from error
        finally:
            shutil.rmtree(made, ignore_errors=True)
        self._write_tag(tag, image_id)
        return self.by_id(image_id)

    def by_id(self, image_id: str) -> Image:
        """The image of an id.

        Raises:
            ImageError: there is no such image.
        """
        folder = self._folder / image_id
        try:
            members = json.loads((folder / "config.json").read_bytes())
        except OSError as error:
            raise ImageError(
                f"The image {image_id[:12]} is not in {self._folder}: deploy the stack that builds "
                "it again."
            ) from error
        started = {name: tuple(members[name]) for name in ("entrypoint", "command")}
        return Image(image_id, folder / "root", Config(**members | started))

    def by_tag(self, tag: str) -> Image:
        """The image of a local tag.

        Raises:
            ImageError: no image has that local tag.
        """
        try:
            image_id = self._tag_file(tag).read_text(encoding="ascii")
        except OSError as error:
            raise ImageError(f"No image is tagged {tag}: build it first.") from error
        return self.by_id(image_id)

    def tag(self, source: str, target: str) -> None:
        """Gives an image a further local tag.

        Raises:
            ImageError: no image is tagged `source`.
        """
        self._write_tag(target, self.by_tag(source).id)

    def untag(self, tag: str) -> None:
        """Takes a local tag from its image, whose files stay: ECR may name them.

        Raises:
            ImageError: no image has it.
        """
        self.by_tag(tag)
        self._tag_file(tag).unlink()

    def tags(self) -> list[str]:
        """All local tags, sorted."""
        return sorted(urllib.parse.unquote(path.name) for path in self._tags.glob("[!.]*"))

    def _tag_file(self, tag: str) -> Path:
        return self._tags / urllib.parse.quote(tag, safe="")

    def _write_tag(self, tag: str, image_id: str) -> None:
        self._tags.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._tags, prefix=".", delete=False) as file:
            file.write(image_id)
        Path(file.name).replace(self._tag_file(tag))


def push(images: Images, uri: str, ecr: ECRClient) -> str:
    """Puts the image that is tagged `uri` into the ECR repository of that name; returns its digest.

    Raises:
        ImageError: no image has that tag, or ECR refuses it.
    """
    image = images.by_tag(uri)
    place = parse(uri)
    kind = image.config.manifest_type
    config = {"mediaType": _CONFIG_TYPES[kind], "size": 0, "digest": f"sha256:{image.id}"}
    manifest = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []}
    try:
        answer = ecr.put_image(
            registryId=place.account,
            repositoryName=place.repository,
            imageManifest=json.dumps(manifest, sort_keys=True),
            imageManifestMediaType=kind,
            imageTag=place.tag or "latest",
        )
    except ecr.exceptions.ImageAlreadyExistsException:
        return _digest(ecr, place)
    except ecr.exceptions.ClientError as error:
        raise ImageError(f"ECR refuses {uri}: {error}.") from error
    return answer["image"]["imageId"]["imageDigest"]


def _digest(ecr: ECRClient, place: ImageUri) -> str:
    found = ecr.batch_get_image(repositoryName=place.repository, imageIds=[place.identifier])
    return found["images"][0]["imageId"]["imageDigest"]


def find(images: Images, uri: str, ecr: ECRClient) -> Image:
    """The image that `uri` names in the rehearsal's ECR.

    Raises:
        ImageError: there is none.
    """
    place = parse(uri)
    try:
        answer = ecr.batch_get_image(repositoryName=place.repository, imageIds=[place.identifier])
    except ecr.exceptions.RepositoryNotFoundException as error:
        raise ImageError(
            f"There is no ECR repository {place.repository} for the image {uri}: bootstrap and "
            "deploy first."
        ) from error
    if not answer["images"]:
        raise ImageError(f"ECR has no image {uri}: deploy the stack that builds it.")
    manifest = json.loads(answer["images"][0]["imageManifest"])
    algorithm, _, image_id = manifest.get("config", {}).get("digest", "").partition(":")
    if algorithm != "sha256":
        raise ImageError(
            f"The image {uri} was not pushed by this rehearsal: deploy the stack that builds it."
        )
    return images.by_id(image_id)


def _rename(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:
        # Another process was first with the same content.
        if not place.exists():
            raise
