"""Starts the servers, checks that they answer alike, and measures them."""

from __future__ import annotations

import os
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.harness import BenchmarkError, Program, run
from benchmarks.serving.kinds import BESIDE, CONTAINERS, OURS
from benchmarks.serving.processes import Memory
from benchmarks.serving.servers import Place, started
from benchmarks.serving.turns import (
    CLIENTS,
    QUICK,
    Latencies,
    Rates,
    Sizes,
    check_answers,
    latencies,
    photographs,
    take_turns,
)
from rehearsal.images import environments
from rehearsal.images.errors import ImageError
from rehearsal.settings import default_cache

__all__ = ["QUICK", "Measured", "Pythons", "Sizes", "measure"]

SIDE = 224


@dataclass(frozen=True)
class Pythons:
    """Attributes:
    ours: the inference image's.
    plain: the benchmarks' own, which makes pictures.
    """

    ours: Path
    plain: Path


@dataclass(frozen=True)
class Measured:
    """All that the table is made of, by the server's name.

    Attributes:
        cold_starts: seconds to the first healthy answer.
        missing: of a server that could not be set up: why.
    """

    rates: Rates
    latencies: Latencies
    cold_starts: dict[str, float]
    memory: dict[str, Memory]
    missing: dict[str, str]


def measure(pythons: Pythons, sizes: Sizes, console: Console) -> Measured:
    """Raises:
    BenchmarkError: there is one core only, or a server fails.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("Serving is measured on one core and asked from another: give two.")
    # This process is the clients.
    os.sched_setaffinity(0, {cores[1]})
    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
            return _measure(pythons, Place(Path(name), cores[0]), sizes, console)
    finally:
        os.sched_setaffinity(0, cores)


def _measure(pythons: Pythons, place: Place, sizes: Sizes, console: Console) -> Measured:
    console.print("Photographs and model")
    images = photographs(pythons.plain, place.photographs, sizes.photographs)
    _make_model(place, console)
    programs, missing = _programs(pythons.ours, console)

    def bare(seconds: float) -> Program:
        arguments = [place.model, place.photographs, seconds]
        return Program(pythons.ours, "serving.bare", arguments, core=place.core)

    console.print("Cold starts")
    cold = [_cold_start(programs[OURS.name], place) for _ in range(sizes.cold_starts)]
    with ExitStack() as stack:
        servers = []
        for kind in (OURS, *BESIDE):
            if kind.name in programs:
                console.print(f"Starting {kind.name}")
                servers.append(stack.enter_context(started(kind, programs[kind.name], place)))
        check_answers(servers, images)
        console.print(f"Rates, {CLIENTS} clients")
        rates = take_turns(servers, bare, images, sizes, console)
        console.print("Latencies at half of the rate")
        found = latencies(servers[0], images, rates.median(OURS.name) / 2, sizes)
        memory = {server.kind.name: server.memory for server in servers}
        cold_starts = {server.kind.name: server.cold_start for server in servers}
    cold_starts[OURS.name] = statistics.median(cold)
    return Measured(rates, found, cold_starts, memory, missing)


def _make_model(place: Place, console: Console) -> None:
    training = environments.prepare(
        CONTAINERS, "training/Dockerfile", cache=default_cache(), report=console.print
    )
    python, quiet = training / "bin" / "python", {"TF_CPP_MIN_LOG_LEVEL": "3"}
    records = place.folder / "records"
    make_records = [place.photographs, records, SIDE, 1]
    run(Program(python, "training.make_records", make_records, quiet))
    run(Program(python, "serving.make_model", [place.model, records], quiet))


def _programs(ours: Path, console: Console) -> tuple[dict[str, Path], dict[str, str]]:
    """By server: the `bin` folder of its environment; and why another has none."""
    programs, missing = {OURS.name: ours.parent}, {}
    for kind in BESIDE:
        try:
            environment = environments.ensure(
                kind.requirements, cache=default_cache(), report=console.print
            )
            programs[kind.name] = environment / "bin"
        except ImageError as error:
            missing[kind.name] = str(error)
    return programs, missing


def _cold_start(programs: Path, place: Place) -> float:
    with started(OURS, programs, place) as server:
        return server.cold_start
