"""What a processing job and a training job have in common, read from their requests."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Input

ML = PurePosixPath("/opt/ml")
DEFAULT_MAX_RUNTIME_SECONDS = 86_400


@dataclass(frozen=True)
class InstanceGroup:
    """Hosts of one instance type."""

    name: str
    instance_type: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """How a job is run.

    Attributes:
        folders: absolute paths in the container that are there, empty, before it starts.
        max_wait_seconds: of a managed spot job, from its start to its end; else None.
        names_hosts: whether the hosts' names, the own one too, resolve in their containers.
        files: the JSON files that a host finds, by absolute path, for the host's name.
    """

    image: str
    entrypoint: Sequence[str] | None
    arguments: Sequence[str] | None
    variables: Mapping[str, str]
    groups: tuple[InstanceGroup, ...]
    inputs: Sequence[Input]
    folders: Sequence[str]
    files: Callable[[str], Mapping[str, Any]]
    private_network: bool
    names_hosts: bool
    max_runtime_seconds: float
    log_group: str
    max_wait_seconds: float | None = None
    volume_key_id: str | None = None
    output_key_id: str | None = None

    @property
    def is_spot(self) -> bool:
        """Whether it is a managed spot job, whose instances may be interrupted."""
        return self.max_wait_seconds is not None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts of all groups, in order."""
        return tuple(host for group in self.groups for host in group.hosts)

    def write_folders(self, folder: Path) -> None:
        """Makes what each host finds below the job's `folder`, but for its inputs.

        Raises:
            JobFailure: a path is not below `/opt/ml`.
            OSError: it can't be written.
        """
        for host in self.hosts:
            for path in self.folders:
                on_machine(folder / host, path).mkdir(parents=True, exist_ok=True)
            for path, value in self.files(host).items():
                file = on_machine(folder / host, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(value, default=str), encoding="utf-8")


def on_machine(host_folder: Path, path: str) -> Path:
    """Where the absolute `path` below `/opt/ml` of a host lies on the machine.

    Raises:
        JobFailure: it is not below `/opt/ml`.
    """
    pure = PurePosixPath(path)
    if not pure.is_relative_to(ML) or ".." in pure.parts:
        raise JobFailure(
            f"ClientError: the local path {path} is not below /opt/ml: choose one that is."
        )
    return host_folder / "ml" / pure.relative_to(ML)


def max_runtime_seconds(request: Mapping[str, Any]) -> float:
    """The limit that a job's StoppingCondition sets, or AWS's default."""
    condition = request.get("StoppingCondition", {})
    seconds: float = condition.get("MaxRuntimeInSeconds", DEFAULT_MAX_RUNTIME_SECONDS)
    return seconds


def instance_groups(requested: Sequence[Mapping[str, Any]]) -> tuple[InstanceGroup, ...]:
    """Groups as requests have them, their hosts named `algo-1`, `algo-2`, ... throughout."""
    names = (f"algo-{number}" for number in itertools.count(1))
    return tuple(
        InstanceGroup(
            group.get("InstanceGroupName", "homogeneousCluster"),
            group["InstanceType"],
            tuple(itertools.islice(names, group.get("InstanceCount", 1))),
        )
        for group in requested
    )


def resource_config(groups: Sequence[InstanceGroup], host: str) -> dict[str, Any]:
    """`resourceconfig.json` of one host.

    Source: your-algorithms-training-algo-running-container.html in SageMaker's developer guide.
    """
    own = next(group for group in groups if host in group.hosts)
    return {
        "current_host": host,
        "current_instance_type": own.instance_type,
        "current_group_name": own.name,
        "hosts": [each for group in groups for each in group.hosts],
        "instance_groups": [
            {
                "instance_group_name": group.name,
                "instance_type": group.instance_type,
                "hosts": list(group.hosts),
            }
            for group in groups
        ],
        # All hosts are on this machine, and find each other on its loopback.
        "network_interface_name": "lo",
    }
