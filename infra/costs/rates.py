"""How fast this pipeline's code is: rates of a run, measured, and what had to be assumed."""

from datetime import date
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

FILE = Path(__file__).with_name("rates.json")


class _Rates(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Measured(_Rates):
    """Where rates come from."""

    on: date
    machine: str = Field(description="An instance type, or a machine and its cores.")
    run: str = Field(description="What was run and measured, in words.")
    is_aws: bool = Field(description="False for a rehearsal, whose waits say nothing of AWS.")


class Assumed(_Rates):
    """What no rehearsal can measure; each was chosen, not measured, unless a run on AWS was."""

    start_up_seconds: float = Field(
        ge=0, description="From the request to the container's start, without the download."
    )
    listed_per_second: float = Field(gt=0, description="Keys that CreateManifests lists from S3.")
    files_per_second: float = Field(
        gt=0, description="Files that SageMaker downloads to one host, however small."
    )
    latency_seconds: float = Field(ge=0, description="From one training worker to the next.")


class Sharding(_Rates):
    """ShardImages on one host: start + serial + objects x (by object + mean bytes x by byte) /
    vCPUs.
    """

    start_seconds: float = Field(ge=0, description="Of the job beside what its report has.")
    serial_seconds: float = Field(ge=0, description="Of the report, whatever the objects.")
    vcpu_seconds_per_object: float = Field(ge=0)
    vcpu_seconds_per_byte: float = Field(ge=0)
    measured_bytes: tuple[float, ...] = Field(
        description="The mean sizes of files that were measured; others are carried."
    )


class Training(_Rates):
    """TrainModel of one network on one kind of processor.

    `seconds_per_image` is of one vCPU (`processor` "cpu") or of one GPU (its kind, e.g. "T4").
    """

    network: str
    image_size: int = Field(ge=1)
    precision: str
    processor: str
    seconds_per_image: float = Field(gt=0)
    validation_seconds_per_image: float = Field(ge=0)
    gradient_bytes: float = Field(ge=0, description="Of all gradients, uncompressed.")
    fixed_seconds: float = Field(
        ge=0, description="Of the job beside its epochs: imports, export, golden answers."
    )
    is_measured: bool = True


class Rates(_Rates):
    """All rates of a run of the pipeline.

    Attributes:
        manifests_fixed_seconds: of CreateManifests without any object.
        manifests_seconds_per_object: of CreateManifests, listing left out; it is serial.
        evaluation_vcpu_seconds_per_image: of EvaluateModel, of a network that is as large as the
            measured ones.
    """

    measured: Measured
    assumed: Assumed
    manifests_fixed_seconds: float = Field(ge=0)
    manifests_seconds_per_object: float = Field(ge=0)
    serving_model_seconds: float = Field(ge=0)
    sharding: Sharding
    training: tuple[Training, ...]
    evaluation_fixed_seconds: float = Field(ge=0)
    evaluation_vcpu_seconds_per_image: float = Field(ge=0)

    def training_of(self, network: str, precision: str, processor: str) -> Training | None:
        """The rate of a network, None where it wasn't measured on such a processor."""
        wanted = (network, precision, processor)
        for rate in self.training:
            if (rate.network, rate.precision, rate.processor) == wanted:
                return rate
        return None


@cache
def load_rates(file: Path = FILE) -> Rates:
    """The rates that were measured last, on the machine that they name."""
    return Rates.model_validate_json(file.read_text("utf-8"))
