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

from benchmarks.harness.programs import REPOSITORY, BenchmarkError

THREADS = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}


@dataclass
class Group:
    """Steppers that step at the same time.

    Attributes:
        polls: between turns they would keep a core busy.
        seconds: of each turn, a step's; such that steps/s of all steppers together come out.
        figures: of each turn, of the first stepper, divided by its steps.
    """

    steppers: Sequence[subprocess.Popen[str]]
    polls: bool = False
    seconds: list[float] = field(default_factory=list)
    figures: list[dict[str, float]] = field(default_factory=list)

    def take_turn(self, steps: int) -> None:
        """Has each stepper take so many steps, and rest again."""
        if self.polls:
            self._signal(signal.SIGCONT)
        for stepper in self.steppers:
            assert stepper.stdin  # noqa: S101 - it is a pipe
            stepper.stdin.write(f"{steps}\n")
            stepper.stdin.flush()
        answers = [_line(stepper) for stepper in self.steppers]
        rate = statistics.mean(steps / each["seconds"] for each in answers)
        self.seconds.append(1 / rate)
        self.figures.append({name: value / steps for name, value in answers[0].items()})
        self.rest()

    def rest(self) -> None:
        """Stops steppers that poll, so that they take nothing from the others' turns."""
        if self.polls:
            self._signal(signal.SIGSTOP)

    def _signal(self, number: signal.Signals) -> None:
        for stepper in self.steppers:
            stepper.send_signal(number)

    @property
    def median(self) -> float:
        """Of a step's seconds."""
        return statistics.median(self.seconds)


@contextmanager
def group(
    python: Path,
    program: str,
    size: int,
    variables: Sequence[Mapping[str, str]],
    *,
    polls: bool = False,
) -> Iterator[Group]:
    """Starts a stepper for each of `variables` and waits until all are ready.

    Args:
        program: of `benchmarks.training.programs`.
        size: its argument.
    """
    with ExitStack() as stack:
        steppers = [
            stack.enter_context(_start(python, [program, size], each, core))
            for core, each in zip(_cores(), variables, strict=False)
        ]
        for stepper in steppers:
            _line(stepper)
        steppers_group = Group(steppers, polls)
        steppers_group.rest()
        yield steppers_group


@contextmanager
def our_workers(python: Path, workers: int) -> Iterator[list[dict[str, str]]]:
    """What our launcher gives each of so many workers; their rendezvous is held meanwhile."""
    arguments = ["rendezvous", workers, free_port()]
    with _start(python, arguments, {}, _cores()[0]) as holder:
        assert holder.stdout  # noqa: S101 - it is a pipe
        line = holder.stdout.readline()
        if not line:
            raise BenchmarkError(f"The rendezvous ended: {holder.communicate()[1][-2000:]}")
        yield json.loads(line)


def mirrored_workers(workers: int) -> list[dict[str, str]]:
    """`TF_CONFIG` of each of so many workers of MultiWorkerMirroredStrategy."""
    addresses = [f"127.0.0.1:{free_port()}" for _ in range(workers)]
    return [
        {
            "TF_CONFIG": json.dumps(
                {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
            )
        }
        for index in range(workers)
    ]


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


@contextmanager
def _start(
    python: Path, arguments: Sequence[object], variables: Mapping[str, str], core: int
) -> Iterator[subprocess.Popen[str]]:
    containers = REPOSITORY / "containers"
    paths = [REPOSITORY, containers / "training", containers]
    line = [python, "-m", "benchmarks.training.programs", *arguments]
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    stepper = subprocess.Popen(
        ["taskset", "-c", str(core), *map(str, line)],
        cwd=REPOSITORY,
        env={
            **kept,
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **variables,
            **THREADS,
            "PYTHONPATH": os.pathsep.join(map(str, paths)),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield stepper
    finally:
        stepper.kill()
        stepper.communicate()


def _line(stepper: subprocess.Popen[str]) -> dict[str, float]:
    """What a stepper says next.

    Raises:
        BenchmarkError: it ended.
    """
    assert stepper.stdout  # noqa: S101 - it is a pipe
    for line in stepper.stdout:
        if line.startswith("{"):
            answer: dict[str, float] = json.loads(line)
            return answer
    _, errors = stepper.communicate()
    raise BenchmarkError(f"{stepper.args!r} ended: {errors[-2000:]}")
