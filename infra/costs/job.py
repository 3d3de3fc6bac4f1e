"""What a step of a definition asks of SageMaker: instances, and its container's options."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from infra.assembly import Definition
from infra.costs.prices import Use

_USES: Mapping[str, Use] = {"Processing": "processing", "Training": "training"}


@dataclass(frozen=True)
class Channel:
    """How a channel of a training job reaches its hosts."""

    input_mode: str = "File"
    distribution: str = "FullyReplicated"

    def stored_share(self, hosts: int) -> float:
        """The part of its bytes that each of the hosts stores, and gets before it starts."""
        if self.input_mode != "File":
            return 0.0
        return 1 / hosts if self.distribution == "ShardedByS3Key" else 1.0


@dataclass(frozen=True)
class Job:
    """The job of a Processing or Training step.

    Attributes:
        instance: its instance type.
        volume_gb: storage of each instance.
        max_seconds: after which SageMaker stops it; None where the request names no limit.
        is_spot: managed spot training.
        options: hyperparameters, or arguments without their dashes, parameters filled in.
        channels: of a training job, by name.
    """

    step: str
    use: Use
    instance: str
    count: int
    volume_gb: float
    max_seconds: float | None
    is_spot: bool
    options: Mapping[str, str]
    channels: Mapping[str, Channel] = field(default_factory=dict)


def with_instances(definition: Definition, instances: Mapping[str, tuple[str, int]]) -> Definition:
    """The same definition with other instances: `{"ShardImages": ("ml.c5.xlarge", 4)}`.

    Raises:
        KeyError: there is no such step.
    """
    changed = Definition(deepcopy(definition.content))
    for step, (instance, count) in instances.items():
        arguments = changed.arguments(step)
        resources = (
            arguments.get("ResourceConfig") or arguments["ProcessingResources"]["ClusterConfig"]
        )
        resources.update(InstanceType=instance, InstanceCount=count)
    return changed


def jobs_of(definition: Definition, parameters: Mapping[str, Any] | None = None) -> dict[str, Job]:
    """The jobs of a definition by step, in its order, with parameters instead of the defaults."""
    values = {**definition.parameters, **(parameters or {})}
    return {
        name: _job(name, step, values)
        for name, step in definition.steps.items()
        if step["Type"] in _USES
    }


def _job(name: str, step: Mapping[str, Any], parameters: Mapping[str, Any]) -> Job:
    arguments = step["Arguments"]
    use = _USES[step["Type"]]
    if use == "training":
        resources, options = arguments["ResourceConfig"], arguments.get("HyperParameters", {})
    else:
        resources = arguments["ProcessingResources"]["ClusterConfig"]
        options = _command_line(arguments["AppSpecification"].get("ContainerArguments", []))
    longest = arguments.get("StoppingCondition", {}).get("MaxRuntimeInSeconds")
    return Job(
        step=name,
        use=use,
        instance=_text(resources["InstanceType"], parameters),
        count=int(_text(resources["InstanceCount"], parameters)),
        volume_gb=float(_text(resources["VolumeSizeInGB"], parameters)),
        max_seconds=float(_text(longest, parameters)) if longest else None,
        is_spot=arguments.get("EnableManagedSpotTraining", False),
        options={key: _text(value, parameters) for key, value in options.items()},
        channels=_channels(arguments),
    )


def _channels(arguments: Mapping[str, Any]) -> dict[str, Channel]:
    mode = arguments.get("AlgorithmSpecification", {}).get("TrainingInputMode", "File")
    return {
        channel["ChannelName"]: Channel(
            channel.get("InputMode", mode),
            channel["DataSource"]
            .get("S3DataSource", {})
            .get("S3DataDistributionType", "FullyReplicated"),
        )
        for channel in arguments.get("InputDataConfig", [])
    }


def _command_line(arguments: list[Any]) -> dict[str, Any]:
    """`--image-size 32` as {"image_size": "32"}."""
    return {
        name.removeprefix("--").replace("-", "_"): value
        for name, value in zip(arguments[::2], arguments[1::2], strict=False)
        if isinstance(name, str)
    }


def _text(value: Any, parameters: Mapping[str, Any]) -> str:
    """A value of the definition as a job gets it; what only a run knows keeps its name."""
    match value:
        case {"Get": str() as path} if path.startswith("Parameters."):
            return str(parameters.get(path.removeprefix("Parameters.")))
        case {"Get": str() as path}:
            return path
        case {"Std:Join": {"On": str() as separator, "Values": list() as parts}}:
            return separator.join(_text(part, parameters) for part in parts)
        case _:
            return str(value)
