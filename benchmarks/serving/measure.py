"""Starts the servers, checks that they answer alike, and measures them turn by turn."""

import os
import statistics
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from benchmarks.harness.programs import BenchmarkError, Program, run
from benchmarks.serving.kinds import BESIDE, CONTAINERS, OURS, Answer, Call
from benchmarks.serving.load import LoadResult, asked, closed, opened
from benchmarks.serving.servers import Memory, Place, Server, memory, started
from rehearsal.images import environments
from rehearsal.images.errors import ImageError
from rehearsal.settings import default_cache

CLIENTS = 8


@dataclass(frozen=True)
class Sizes:
    """How much is measured, and how often. Seconds are of one turn of one server."""

    turns: int = 5
    warm_up: float = 0.5
    seconds: float = 2.5
    photographs: int = 64
    cold_starts: int = 3


QUICK = Sizes(turns=1, warm_up=0.3, seconds=0.5, photographs=8, cold_starts=1)


@dataclass
class Rates:
    """Images/s of each turn, by name."""

    by_name: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, rate: float) -> None:
        """Adds a turn, in images/s."""
        self.by_name.setdefault(name, []).append(rate)

    def median(self, name: str) -> float:
        """Of a server's turns, in images/s."""
        return statistics.median(self.by_name[name])


@dataclass(frozen=True)
class Latencies:
    """Seconds, medians over the turns.

    Attributes:
        single: of a request when no other is under way.
        evenly: the 99th percentile at half of the highest rate, requests evenly spaced.
        at_random: the same with requests at random moments.
    """

    single: float
    evenly: float
    at_random: float


def check_answers(servers: Sequence[Server], images: Sequence[bytes]) -> None:
    """Every server must answer each image as the first one does.

    Raises:
        BenchmarkError: one doesn't.
    """
    expected = _answers(servers[0], images)
    for server in servers[1:]:
        for number, (ours, theirs) in enumerate(
            zip(expected, _answers(server, images), strict=True)
        ):
            if not alike(ours, theirs, server.kind.tolerance):
                raise BenchmarkError(
                    f"{server.kind.name} answers photograph {number} with {theirs}, and "
                    f"{servers[0].kind.name} with {ours}: what is measured must be the same."
                )


def alike(one: Answer, other: Answer, tolerance: float) -> bool:
    """Whether each probability is the same within `tolerance`, and the class too unless it is as
    near.
    """
    pairs = list(zip(one.probabilities, other.probabilities, strict=True))
    found = max(other.probabilities)
    behind = found - other.probabilities[one.probabilities.index(max(one.probabilities))]
    named = one.label == other.label or 0 < behind <= tolerance
    return named and all(abs(a - b) <= tolerance for a, b in pairs)


def _answers(server: Server, images: Sequence[bytes]) -> list[Answer]:
    with server.awake():
        contents = asked(server.url, _calls(server, images))
    return [server.kind.answer(content) for content in contents]


def _calls(server: Server, images: Sequence[bytes]) -> list[Call]:
    return [server.kind.call(image) for image in images]


def take_turns(
    servers: Sequence[Server],
    bare: Callable[[float], Program],
    images: Sequence[bytes],
    sizes: Sizes,
    console: Console,
) -> Rates:
    """Each server under CLIENTS clients, and the `bare` pass of some seconds, again and again."""
    rates = Rates()
    for turn in range(sizes.turns):
        console.print(f"  turn {turn + 1} of {sizes.turns}")
        for server in servers:
            calls = _calls(server, images)
            with server.awake():
                closed(server.url, calls, CLIENTS, sizes.warm_up)
                rates.add(server.kind.name, closed(server.url, calls, CLIENTS, sizes.seconds).rate)
        for batch, rate in run(bare(sizes.seconds / 2)).items():
            rates.add(f"bare {batch}", rate)
    return rates


def latencies(server: Server, images: Sequence[bytes], rate: float, sizes: Sizes) -> Latencies:
    """How long a server's requests take; the open loops send `rate` requests/s."""
    calls = _calls(server, images)
    turns: list[tuple[LoadResult, LoadResult, LoadResult]] = []
    with server.awake():
        closed(server.url, calls, CLIENTS, sizes.warm_up)
        for _ in range(sizes.turns):
            single = closed(server.url, calls, 1, sizes.seconds / 2)
            evenly = opened(server.url, calls, rate, sizes.seconds, evenly=True)
            at_random = opened(server.url, calls, rate, sizes.seconds, evenly=False)
            turns.append((single, evenly, at_random))
    return Latencies(
        statistics.median(single.percentile(0.5) for single, _, _ in turns),
        statistics.median(evenly.percentile(0.99) for _, evenly, _ in turns),
        statistics.median(at_random.percentile(0.99) for _, _, at_random in turns),
    )


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


def measure(ours: Path, plain: Path, sizes: Sizes, console: Console) -> Measured:
    """Measures all servers that can be set up.

    Args:
        ours: the inference image's Python.
        plain: the benchmarks' own, which makes pictures.

    Raises:
        BenchmarkError: there is one core only, or a server fails.
    """
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise BenchmarkError("Serving is measured on one core and asked from another: give two.")
    # This process is the clients.
    os.sched_setaffinity(0, {cores[1]})
    try:
        with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
            place = Place(Path(name), cores[0])
            console.print("Photographs and model")
            images = _photographs(plain, place.photographs, sizes.photographs)
            _make_model(place, console)
            return _measure(ours, place, images, sizes, console)
    finally:
        os.sched_setaffinity(0, cores)


def _measure(
    ours: Path, place: Place, images: Sequence[bytes], sizes: Sizes, console: Console
) -> Measured:
    programs, missing = _programs(ours, console)

    def bare(seconds: float) -> Program:
        arguments = [place.model, place.photographs, seconds]
        return Program(ours, "serving.network", arguments, core=place.core)

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
        used = {server.kind.name: memory(server.process.pid) for server in servers}
        cold_starts = {server.kind.name: server.cold_start for server in servers}
    cold_starts[OURS.name] = statistics.median(cold)
    return Measured(rates, found, cold_starts, used, missing)


def _make_model(place: Place, console: Console) -> None:
    training = environments.prepare(
        CONTAINERS, "training/Dockerfile", cache=default_cache(), report=console.print
    )
    python, quiet = training / "bin" / "python", {"TF_CPP_MIN_LOG_LEVEL": "3"}
    records = place.folder / "records"
    for program in (
        ["records", place.photographs, records, 224],
        ["served_model", place.model, records],
    ):
        run(Program(python, "training.programs", program, quiet))


def _photographs(python: Path, folder: Path, count: int) -> list[bytes]:
    """Makes so many distinct JPEG files of 640 x 480 below `folder` and reads them."""
    run(Program(python, "data.photos", ["photos", folder, count, 640, 480]))
    return [file.read_bytes() for file in sorted(folder.rglob("*.jpg"))]


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
