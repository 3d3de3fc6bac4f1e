"""What EvaluateModel is given, in the folders of a processing job: models' archives, a channel.

The launcher's process unpacks, once a host and before anything heavy is imported; the workers read.
"""

import json
import shutil
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.common.container import UserError


@dataclass(frozen=True)
class Model:
    """An unpacked model.

    Attributes:
        name: what sentences call it, as in "the serving model".
        labels: class labels in the order of their encoding.
        image_size: side of the images that it takes, in pixels.
    """

    name: str
    folder: Path
    labels: tuple[str, ...]
    image_size: int

    @property
    def saved_model(self) -> Path:
        """The folder of the SavedModel."""
        return self.folder / "saved_model"


def unpack(archive: Path, folder: Path, name: str) -> None:
    """Fills `folder` with the archive's content and nothing else.

    Raises:
        UserError: it is no archive, or not there.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with tarfile.open(archive) as content:
            content.extractall(folder, filter="data")
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise UserError(
            f"The archive of the {name}, {archive}, cannot be unpacked ({error}): make it "
            "again with TrainModel."
        ) from error


def describe(folder: Path, name: str) -> Model:
    """The model that was unpacked into `folder`.

    Raises:
        UserError: the archive lacks its description or its SavedModel.
    """
    file = folder / "model.json"
    try:
        description = json.loads(file.read_text(encoding="utf-8"))
        model = Model(name, folder, _labels(description["labels"]), _size(description))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"The archive of the {name} has no usable {file.name} ({error!r}): was it made by "
            "TrainModel?"
        ) from error
    if not (model.saved_model / "saved_model.pb").is_file():
        raise UserError(
            f"The archive of the {name} has no saved_model/saved_model.pb: was it made by "
            "TrainModel?"
        )
    return model


def _labels(found: Any) -> tuple[str, ...]:
    if not isinstance(found, list) or not found or not all(isinstance(one, str) for one in found):
        raise ValueError("labels are no list of strings")
    if len(set(found)) != len(found):
        raise ValueError("a label stands twice")
    return tuple(found)


def _size(description: dict[str, Any]) -> int:
    size = description["image_size"]
    if not isinstance(size, int) or size < 1:
        raise ValueError(f"image_size is {size!r}")
    return size


_ARCHIVE = "model.tar.gz"


class Folders:
    """The folders of one host, below `root`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html

    Attributes:
        resource_config: where SageMaker writes the hosts.
        message: SageMaker shows it as ExitMessage.
        evaluation: the output.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.resource_config = root / "config" / "resourceconfig.json"
        self.message = root / "output" / "message"
        self.evaluation = root / "processing" / "output" / "evaluation"

    def input(self, name: str) -> Path:
        """An input by its name."""
        return self.root / "processing" / "input" / name

    def unpacked(self, name: str) -> Path:
        """No input and no output: SageMaker leaves it alone."""
        return self.root / "processing" / "unpacked" / name


@dataclass(frozen=True)
class Serving:
    """The model that the endpoint serves now, and its package in the model registry."""

    endpoint: str
    model_package_arn: str
    model: Model


@dataclass(frozen=True)
class Models:
    """The model that is evaluated, and the one that serves, if any."""

    candidate: Model
    serving: Serving | None


def unpack_models(folders: Folders) -> None:
    """Unpacks what `read_models` reads.

    Raises:
        UserError: an archive is not there or can't be used.
    """
    unpack(folders.input("model") / _ARCHIVE, folders.unpacked("model"), "model")
    if _served(folders) is not None:
        archive = folders.input("serving") / _ARCHIVE
        unpack(archive, folders.unpacked("serving"), "serving model")
    read_models(folders)


def read_models(folders: Folders) -> Models:
    """The models that `unpack_models` unpacked.

    Raises:
        UserError: an archive or `serving.json` lacks something.
    """
    candidate = describe(folders.unpacked("model"), "model")
    served = _served(folders)
    if served is None:
        return Models(candidate, None)
    endpoint, arn = served
    return Models(
        candidate, Serving(endpoint, arn, describe(folders.unpacked("serving"), "serving model"))
    )


def _served(folders: Folders) -> tuple[str, str] | None:
    """Endpoint and model package; None where none serves, or FetchServingModel did not run."""
    file = folders.input("serving") / "serving.json"
    if not file.exists():
        if (file.parent / _ARCHIVE).exists():
            raise UserError(
                f"{file.parent} holds a {_ARCHIVE} and no {file.name}: give both, as "
                "FetchServingModel writes them, or neither."
            )
        return None
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        endpoint, arn = content["endpoint"], content["model_package_arn"]
        if not isinstance(endpoint, str) or not isinstance(arn, str | None):
            raise TypeError("endpoint and model_package_arn are strings")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"What serves now cannot be read from {file} ({error!r}): was it written by "
            "FetchServingModel?"
        ) from error
    return None if arn is None else (endpoint, arn)
