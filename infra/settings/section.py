"""What the sections have in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Account = Annotated[str, StringConstraints(pattern=r"^\d{12}$"), Field(examples=["123456789012"])]
Accelerator = Literal["cpu", "gpu"]
# SageMaker's own limits: volumes of 1 to 16,384 GB; a job runs for 28 days at most.
VolumeSize = Annotated[int, Field(ge=1, le=16_384)]
Runtime = Annotated[int, Field(ge=60, le=28 * 24 * 3600)]


class Section(BaseModel):
    """A table of the file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
