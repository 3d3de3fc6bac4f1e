"""Hyperparameters: typed, limited, and refused before TensorFlow is imported."""

import difflib
import json
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from training.common.container import UserError
from training.models import network_names


class Settings(BaseModel):
    """The hyperparameters of one training job. SageMaker hands each over as a string."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(30, ge=1, le=10_000, description="Passes over the training channel.")
    batch_size: int = Field(32, ge=1, le=65_536, description="Images a worker takes per step.")
    learning_rate: float = Field(
        0.001, gt=0, le=10, description="Peak learning rate of one worker."
    )
    seed: int = Field(1, ge=0, le=2**31 - 1, description="Seed of weights, order and augmentation.")
    image_size: int = Field(32, ge=8, le=1024, description="Side of a record's square image.")
    model: str = Field("small_cnn", description="The network: a file of models/, by its name.")
    workers_per_host: int = Field(1, ge=1, le=64, description="Processes a host starts.")
    log_records: bool = Field(False, description="Write down the keys that each rank reads.")
    deterministic: bool = Field(
        False, description="TensorFlow's operations give the same bits in every run; slower."
    )
    optimiser: Literal["adamw", "sgd"] = Field(
        "adamw", description="AdamW, or SGD with Nesterov's momentum."
    )
    learning_rate_scaling: Literal["none", "sqrt", "linear"] = Field(
        "sqrt", description="How the peak grows with the number of workers."
    )
    warmup_share: float = Field(
        0.1, ge=0, le=0.5, description="Share of all steps in which the learning rate rises."
    )
    label_smoothing: float = Field(
        0.0, ge=0, le=0.5, description="Part of the truth that is spread over all classes."
    )
    weight_decay: float = Field(0.0, ge=0, le=1, description="Decoupled decay of the kernels.")
    class_weights: Literal["none", "balanced"] = Field(
        "none", description="balanced: a class counts the more the rarer it is."
    )
    early_stopping_patience: int = Field(
        0, ge=0, le=1_000, description="Epochs without a lower validation loss; 0 never stops."
    )
    precision: Literal["float32", "mixed_float16", "mixed_bfloat16"] = Field(
        "float32", description="Keras' policy; the mixed ones are for GPUs."
    )
    gradient_compression: Literal["none", "float16", "bfloat16"] = Field(
        "none", description="What gradients are on the wire."
    )
    # Documented nowhere is what `inputdataconfig.json` says of a channel that is streamed.
    input_mode: Literal["File", "FastFile"] = Field(
        "File", description="How records reach the host: copied before, or streamed meanwhile."
    )
    shuffle_megabytes: int = Field(
        64, ge=1, le=65_536, description="Of a streamed channel (FastFile): what a worker mixes."
    )
    checkpoint_seconds: int = Field(
        300, ge=0, le=86_400, description="Between checkpoints; each epoch ends with one too."
    )

    @property
    def window_bytes(self) -> int:
        """What a worker holds at a time of records that are streamed; 0 where none are."""
        return self.shuffle_megabytes * 2**20 if self.input_mode == "FastFile" else 0

    @field_validator("model")
    @classmethod
    def _is_a_network(cls, value: str) -> str:
        names = network_names()
        if value not in names:
            near = difflib.get_close_matches(value, names, n=1, cutoff=0.0)[0]
            raise PydanticCustomError(
                "network", "there is no such network; the nearest name is '{near}'", {"near": near}
            )
        return value


def read_settings(file: Path) -> Settings:
    """Reads `hyperparameters.json`.

    Raises:
        UserError: a name is unknown or a value is out of its limits.
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
