"""The container's settings: environment variables, each with a default, checked at the start."""

import dataclasses
import math
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from inference.runtimes import RUNTIMES, installed_runtimes

CGROUP = Path("/sys/fs/cgroup")


def available_cores(cgroup: Path = CGROUP) -> int:
    """The cores that the process may be placed on, or fewer where the control group has a quota.

    https://www.kernel.org/doc/html/latest/admin-guide/cgroup-v2.html#cpu-interface-files
    """
    cores = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _quota(cgroup: Path) -> float | None:
    """Cores' worth of time that the container may take, None where it is not limited."""
    for names in (["cpu.max"], ["cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"]):
        with suppress(OSError):
            words = " ".join((cgroup / name).read_text() for name in names).split()
            # Without a limit, version 2 says "max" and version 1 says -1.
            if len(words) == 2 and all(word.isdecimal() for word in words):
                return int(words[0]) / int(words[1])
    return None


DEFAULT_PORT = 8080
MEGABYTE = 1024 * 1024
# One process has one interpreter, whose HTTP work of all requests takes turns: so many cores'
# worth of a small model's answers is what it keeps up with.
CORES_PER_WORKER = 8


class UnusableSettingError(Exception):
    """An environment variable's value cannot be; the message is one sentence."""


def _number(variable: str, default: float, least: float, most: float) -> Any:
    """A field that is read from an environment variable, within limits."""
    limits = {"variable": variable, "least": least, "most": most}
    return field(default=default, metadata=limits)


@dataclass(frozen=True)
class Settings:
    """Sizes in megabytes are of 2**20 bytes; the README has a table of them all.

    Attributes:
        model_package_arn: MODEL_PACKAGE_ARN, which answers carry.
        runtime: INFERENCE_RUNTIME, "openvino" or "tensorflow".
        needs_gpu: the image is the one for GPUs, and INFERENCE_RUNTIME does not ask for TensorFlow
            wherever it runs.
    """

    model_package_arn: str | None = None
    runtime: str = "openvino"
    needs_gpu: bool = False
    port: int = _number("SAGEMAKER_BIND_TO_PORT", DEFAULT_PORT, 1, 65535)
    workers: int = _number("INFERENCE_WORKERS", 0, 0, 256)
    threads: int = _number("INFERENCE_THREADS", 0, 0, 256)
    batch_size: int = _number("INFERENCE_BATCH_SIZE", 0, 0, 1024)
    batch_wait_milliseconds: float = _number("INFERENCE_BATCH_WAIT_MILLISECONDS", 0.0, 0, 1000)
    queue_length: int = _number("INFERENCE_QUEUE_LENGTH", 128, 1, 1_000_000)
    images_per_request: int = _number("INFERENCE_IMAGES_PER_REQUEST", 256, 1, 1_000_000)
    body_megabytes: int = _number("INFERENCE_BODY_MEGABYTES", 6, 1, 1024)
    held_megabytes: int = _number("INFERENCE_HELD_MEGABYTES", 256, 1, 1_000_000)
    decoding_megabytes: int = _number("INFERENCE_DECODING_MEGABYTES", 512, 1, 1_000_000)
    decoding_seconds: float = _number("INFERENCE_DECODING_SECONDS", 4.0, 0.1, 3600)
    connections: int = _number("INFERENCE_CONNECTIONS", 1000, 1, 1_000_000)
    request_seconds: float = _number("INFERENCE_REQUEST_SECONDS", 30.0, 0.1, 3600)
    read_seconds: float = _number("INFERENCE_READ_SECONDS", 15.0, 0.1, 3600)
    metrics_seconds: float = _number("INFERENCE_METRICS_SECONDS", 10.0, 0.1, 3600)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the variables that are set; counts of 0 become what fits the machine.

    Raises:
        UnusableSettingError: a value is no number or outside its limits.
    """
    given: dict[str, Any] = {
        each.name: _read(each, environment)
        for each in dataclasses.fields(Settings)
        if environment.get(each.metadata.get("variable", "")) is not None
    }
    runtime = _runtime(environment)
    settings = Settings(
        **given,
        model_package_arn=environment.get("MODEL_PACKAGE_ARN") or None,
        runtime=runtime,
        needs_gpu=runtime == "tensorflow" and not environment.get("INFERENCE_RUNTIME"),
    )
    cores = available_cores()
    workers = settings.workers or -(-cores // CORES_PER_WORKER)
    threads = settings.threads or max(1, cores // workers)
    return dataclasses.replace(settings, workers=workers, threads=threads)


def _read(each: "dataclasses.Field[Any]", environment: Mapping[str, str]) -> int | float:
    variable, least, most = (each.metadata[key] for key in ("variable", "least", "most"))
    kind = int if each.type is int else float
    given = environment[variable]
    try:
        value = kind(given)
    except ValueError:
        value = None
    if value is None or not least <= value <= most:
        what = "a whole number" if kind is int else "a number"
        raise UnusableSettingError(
            f"{variable} is {given!r}: give {what} from {least:g} to {most:.10g}."
        )
    return value


def _runtime(environment: Mapping[str, str]) -> str:
    given = environment.get("INFERENCE_RUNTIME")
    installed = installed_runtimes()
    if not given and installed:
        return installed[0]
    if given in installed:
        return given
    if given in RUNTIMES:
        raise UnusableSettingError(
            f"INFERENCE_RUNTIME is {given!r}, and this image has {' and '.join(installed)}: build "
            "it with ACCELERATOR=gpu for TensorFlow, which then runs on processors, too."
        )
    raise UnusableSettingError(f"INFERENCE_RUNTIME is {given!r}: give {' or '.join(RUNTIMES)}.")
