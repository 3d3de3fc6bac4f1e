"""Groups of steppers, each stepper on a core of its own, that take turns."""

import json
import os
import signal
import socket
import statistics
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.harness.programs import BenchmarkError, Program, start

THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


@dataclass
class Group:
    """Steppers that step at the same time.

    Attributes:
        polls: between turns they would keep a core busy.
        seconds: of each turn, a step's; such that steps/s of all steppers together come out.
        figures: of each turn, of the first stepper, divided by its steps.
    """

    steppers: Sequence[subprocess.Popen[bytes]]
    polls: bool = False
    seconds: list[float] = field(default_factory=list)
    figures: list[dict[str, float]] = field(default_factory=list)

    def take_turn(self, steps: int) -> None:
        """Has each stepper take so many steps, and rest again."""
        self.send(signal.SIGCONT)
        for stepper in self.steppers:
            assert stepper.stdin  # noqa: S101 - it is a pipe
            stepper.stdin.write(f"{steps}\n".encode())
            stepper.stdin.flush()
        answers = [_line(stepper) for stepper in self.steppers]
        rate = statistics.mean(steps / each["seconds"] for each in answers)
        self.seconds.append(1 / rate)
        self.figures.append({name: value / steps for name, value in answers[0].items()})
        self.send(signal.SIGSTOP)

    def send(self, number: signal.Signals) -> None:
        """Stops steppers that poll, so that they take nothing from the others' turns, or wakes."""
        if self.polls:
            for stepper in self.steppers:
                stepper.send_signal(number)

    @property
    def median(self) -> float:
        """Of a step's seconds."""
        return statistics.median(self.seconds)


@contextmanager
def group(
    python: Path,
    name: str,
    size: int,
    variables: Sequence[Mapping[str, str]],
    *,
    polls: bool = False,
) -> Iterator[Group]:
    """Starts a stepper for each of `variables`, a `program` of this size, and waits until all are
    ready.
    """
    with ExitStack() as stack:
        steppers = [
            stack.enter_context(_started(program(python, [name, size], each, core)))
            for core, each in zip(_cores(), variables, strict=False)
        ]
        for stepper in steppers:
            _line(stepper)
        steppers_group = Group(steppers, polls)
        steppers_group.send(signal.SIGSTOP)
        yield steppers_group


@contextmanager
def our_workers(python: Path, workers: int) -> Iterator[list[dict[str, str]]]:
    """What our launcher gives each of so many workers; their rendezvous is held meanwhile."""
    arguments = ["rendezvous", workers, free_port()]
    with _started(program(python, arguments, core=_cores()[0])) as holder:
        assert holder.stdout  # noqa: S101 - it is a pipe
        line = holder.stdout.readline()
        if not line:
            errors = holder.communicate()[1].decode()
            raise BenchmarkError(f"The rendezvous ended: {errors[-2000:]}")
        yield json.loads(line)


def mirrored_workers(workers: int) -> list[dict[str, str]]:
    """`TF_CONFIG` of each of so many workers of MultiWorkerMirroredStrategy."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(workers)]
    tasks = [{"type": "worker", "index": index} for index in range(workers)]
    cluster = {"worker": addresses}
    return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


def program(
    python: Path,
    arguments: Sequence[object],
    variables: Mapping[str, str] | None = None,
    core: int | None = 0,
) -> Program:
    """One of `benchmarks.training.programs`, with a single thread."""
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **(variables or {}), **THREADS}
    return Program(python, "training.programs", arguments, environment, core)


@contextmanager
def _started(stepper: Program) -> Iterator[subprocess.Popen[bytes]]:
    process = start(stepper, stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _line(stepper: subprocess.Popen[bytes]) -> dict[str, float]:
    """What a stepper says next.

    Raises:
        BenchmarkError: it ended.
    """
    assert stepper.stdout  # noqa: S101 - it is a pipe
    for line in stepper.stdout:
        if line.startswith(b"{"):
            answer: dict[str, float] = json.loads(line)
            return answer
    _, errors = stepper.communicate()
    raise BenchmarkError(f"{stepper.args!r} ended: {errors.decode()[-2000:]}")
