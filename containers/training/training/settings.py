"""Hyperparameters: typed, limited, and refused before TensorFlow is imported."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from training.errors import UserError


class Settings(BaseModel):
    """The hyperparameters of one training job. SageMaker hands each over as a string."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(30, ge=1, le=10_000, description="Passes over the training channel.")
    batch_size: int = Field(32, ge=1, le=65_536, description="Images a worker takes per step.")
    learning_rate: float = Field(
        0.001, gt=0, le=10, description="Peak learning rate of one worker; see README, Optimiser."
    )
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Seed of weights and shuffling.")
    image_size: int = Field(32, ge=8, le=1024, description="Side of a record's square image.")
    model: Literal["small_cnn"] = Field("small_cnn", description="The network, by its name.")
    workers_per_host: int = Field(1, ge=1, le=64, description="Processes a host starts.")
    log_records: bool = Field(False, description="Write down the keys that each rank reads.")
    deterministic: bool = Field(
        False, description="TensorFlow's operations give the same bits in every run; slower."
    )


def read_settings(file: Path) -> Settings:
    """Reads `hyperparameters.json`.

    :raises UserError: a name is unknown or a value is out of its limits.
    """
    try:
        given = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"The hyperparameters in {file} cannot be read: {error}.") from error
    if not isinstance(given, dict):
        raise UserError(f"The hyperparameters in {file} are no JSON object of names and values.")
    for name in given:
        if name not in Settings.model_fields:
            near = difflib.get_close_matches(name, Settings.model_fields, n=1, cutoff=0.0)[0]
            raise UserError(
                f"The hyperparameter {name!r} is unknown; the nearest name is {near!r}."
            )
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(
            f"The hyperparameter {first['loc'][0]!r} has the value {first['input']!r}: "
            f"{first['msg'][0].lower()}{first['msg'][1:]}."
        ) from error
