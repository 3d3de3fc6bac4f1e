"""What the tables of a file have in common: the model, and types of values."""

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from infra.costs import load_prices
from infra.costs.prices import Use

Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$"), Field(examples=["123456789012"])]
Accelerator = Literal["cpu", "gpu"]
# SageMaker's own limits: volumes of 1 to 16,384 GB; a job runs for 28 days at most.
VolumeSize = Annotated[int, Field(ge=1, le=16_384)]
Runtime = Annotated[int, Field(ge=60, le=28 * 24 * 3600)]
Days = Annotated[int, Field(ge=1, le=3650)]
Share = Annotated[float, Field(ge=0, le=1)]
S3Uri = Annotated[
    str,
    StringConstraints(pattern=r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[\w.=+@ -]+)+$"),
    Field(examples=["s3://our-weights/small_cnn.keras"]),
]


class Section(BaseModel):
    """A table of the file; an unknown key is an error, a setting's docstring its description."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True
    )

    def _problems(self) -> Iterator[str]:
        """Which settings do not go together, a sentence each: what is wrong, and what to do."""
        yield from ()

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        for problem in self._problems():
            raise ValueError(problem)
        return self


InstanceType = Annotated[
    str,
    StringConstraints(pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"),
    Field(examples=["ml.m5.xlarge"]),
]


def _usable(use: Use) -> Callable[[str], str]:
    def check(name: str) -> str:
        instances = load_prices().instances
        if name in instances and use in instances[name].uses:
            return name
        if name in instances:
            raise ValueError(
                f"SageMaker does not take {name} for {use}: use another, like ml.m5.large"
            )
        usable = [other for other, instance in instances.items() if use in instance.uses]
        near = get_close_matches(name, usable, n=1, cutoff=0)[0]
        raise ValueError(
            f"infra/costs/prices.toml does not know {name}: use {near}, or add it there"
        )

    return check


ProcessingInstance = Annotated[InstanceType, AfterValidator(_usable("processing"))]
TrainingInstance = Annotated[InstanceType, AfterValidator(_usable("training"))]
HostingInstance = Annotated[InstanceType, AfterValidator(_usable("hosting"))]


def accelerator_problems(instance_type: str, accelerator: Accelerator) -> Iterator[str]:
    """An instance has GPUs for a build that needs them, and none for one that doesn't."""
    gpus = gpus_of(instance_type)
    if accelerator == "gpu" and not gpus:
        yield (
            f"accelerator is gpu and instance_type {instance_type} has no GPU: use one that has, "
            "like ml.g4dn.xlarge, or set accelerator to cpu"
        )
    if accelerator == "cpu" and gpus:
        yield (
            f"accelerator is cpu and the GPUs of instance_type {instance_type} would be paid for "
            "and idle: set accelerator to gpu, or use an instance without"
        )


def gpus_of(instance_type: str) -> int:
    """GPUs of an instance type that the table knows."""
    return load_prices().instances[instance_type].gpus
