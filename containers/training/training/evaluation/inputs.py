"""What EvaluateModel is given, in the folders of a processing job.

The launcher's process unpacks, once a host and before anything heavy is imported; the workers read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import UserError
from training.evaluation.archive import Model, describe, unpack

_ARCHIVE = "model.tar.gz"


@dataclass(frozen=True)
class Folders:
    """The folders of one host, below `root`.

    https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
    """

    root: Path

    @property
    def resource_config(self) -> Path:
        return self.root / "config" / "resourceconfig.json"

    @property
    def message(self) -> Path:
        """SageMaker shows it as ExitMessage."""
        return self.root / "output" / "message"

    @property
    def test(self) -> Path:
        return self.input("test")

    @property
    def evaluation(self) -> Path:
        return self.root / "processing" / "output" / "evaluation"

    def input(self, name: str) -> Path:
        return self.root / "processing" / "input" / name

    def unpacked(self, name: str) -> Path:
        """No input and no output: SageMaker leaves it alone."""
        return self.root / "processing" / "unpacked" / name


@dataclass(frozen=True)
class Serving:
    """The model that the endpoint serves now.

    Attributes:
        model_package_arn: which package of the model registry it is.
    """

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
    """Raises:
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
