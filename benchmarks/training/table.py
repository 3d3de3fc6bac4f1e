"""Training: workers together against workers apart, waiting for input, and scaling on paper."""

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.harness.programs import Program, run
from benchmarks.harness.table import Row
from benchmarks.training.scaling import Network, efficiency, fitted, least_batch
from benchmarks.training.turns import Group, group, mirrored_workers, our_workers, program
from infra.costs.durations import Machine

MEBIBYTE = 2**20
# Least share of two unconnected processes' speed, by batch a worker.
TARGETS = {32: 0.85, 128: 0.92}
MOST_WAITING, BATCH = 0.02, 32
# As AWS states them for instances in one placement group; latency is a guess at TCP's there.
LINKS = (
    Machine("10 Gbit/s", 50e-6, 10e9 / 8),
    Machine("100 Gbit/s", 30e-6, 100e9 / 8),
)
# Of MobileNetV2 alpha 0.35 with 10 classes.
GRADIENT_BYTES = 1_691_688


@dataclass(frozen=True)
class Sizes:
    """How much is measured, and how often."""

    turns: int = 8
    images_a_turn: int = 640
    photos: int = 128
    epochs: int = 3
    batches: Sequence[int] = (32, 128)


QUICK = Sizes(turns=2, images_a_turn=64, photos=16, epochs=1, batches=(32,))


def training_rows(
    python: Path, plain: Path, sizes: Sizes, console: Console
) -> tuple[list[Row], list[str]]:
    """The table's rows, and the notes below it.

    Args:
        python: the training image's.
        plain: the benchmarks' own, which makes pictures.
    """
    rows: list[Row] = []
    alone: dict[int, float] = {}
    for batch in sizes.batches:
        found, alone[batch] = _together(python, batch, sizes, console)
        rows += found
    rows += _waiting(python, plain, sizes, console)
    notes = _scaling(python, alone[sizes.batches[0]] / sizes.batches[0], sizes, console)
    return rows, notes


def _together(python: Path, batch: int, sizes: Sizes, console: Console) -> tuple[list[Row], float]:
    console.print(f"Two workers, batch {batch} each")
    with ExitStack() as stack:

        def start(name: str, variables: Sequence[dict[str, str]], *, polls: bool = False) -> Group:
            return stack.enter_context(group(python, name, batch, variables, polls=polls))

        def workers() -> list[dict[str, str]]:
            return stack.enter_context(our_workers(python, 2))

        pages = {"GLIBC_TUNABLES": workers()[0]["GLIBC_TUNABLES"]}
        groups = {
            "unconnected": start("unconnected_steps", [pages, pages]),
            "ours": start("our_steps", workers()),
            "mirrored": start("mirrored_steps", [each | pages for each in mirrored_workers(2)]),
            "untuned": start("untuned_steps", [each | UNTUNED for each in workers()], polls=True),
        }
        for turn in range(sizes.turns):
            console.print(f"  turn {turn + 1} of {sizes.turns}")
            for each in groups.values():
                each.take_turn(max(1, sizes.images_a_turn // batch))
    return _speed_rows(groups, batch), groups["unconnected"].median


def _speed_rows(groups: Mapping[str, Group], batch: int) -> list[Row]:
    speed = {name: 2 * batch / each.median for name, each in groups.items()}
    ours = f"{speed['ours']:,.0f} images/s"
    exposed = statistics.median(each["communication"] for each in groups["ours"].figures)

    def row(other: str, name: str, target: float | None) -> Row:
        shown = f"{speed[other]:,.0f} images/s, {name}"
        what = f"2 workers, batch {batch} each"
        return Row(what, ours, shown, speed["ours"] / speed[other], target)

    return [
        row("unconnected", "two unconnected processes", TARGETS[batch]),
        row("mirrored", "MultiWorkerMirroredStrategy", 1.0),
        row("untuned", "Horovod untuned", None),
        Row(
            f"batch {batch}: a step's exposed communication",
            f"{exposed * 1000:.1f} ms",
            f"{groups['ours'].median * 1000:.1f} ms, the whole step",
            None,
        ),
    ]


# A message a tensor, every millisecond a look, small pages: as Horovod and glibc come.
UNTUNED = {"HOROVOD_CYCLE_TIME": "1", "GLIBC_TUNABLES": "glibc.malloc.hugetlb=0"}


def _waiting(python: Path, plain: Path, sizes: Sizes, console: Console) -> list[Row]:
    console.print("Waiting for input")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        photos = [folder / "photos", sizes.photos, 640, 480]
        run(Program(plain, "data.photos", ["digits", folder / "digits"]))
        run(Program(plain, "data.photos", ["photos", *photos]))
        rows = []
        for what, source, side, network, epochs in (
            ("the digits", "digits", 32, "small_cnn", 5),
            ("photographs", "photos", 224, "mobilenet_v2_035", sizes.epochs),
        ):
            shards = folder / f"{source}-shards"
            run(program(python, ["records", folder / source, shards, side]))
            figures = run(program(python, ["waiting", shards, side, network, BATCH, epochs]))
            rows.append(
                Row(
                    f"waiting for input, {what}, {side} x {side}, {network}, batch {BATCH}",
                    f"{figures['share']:.2%} of step time",
                    f"{MOST_WAITING:.0%}, the most that is wanted",
                    MOST_WAITING / max(figures["share"], 1e-6),
                    1.0,
                )
            )
        return rows


def _scaling(python: Path, per_image: float, sizes: Sizes, console: Console) -> list[str]:
    console.print("Allreduce by size")
    measured: dict[float, float] = {}
    for size in (MEBIBYTE // 16, MEBIBYTE, 4 * MEBIBYTE, 16 * MEBIBYTE):
        with ExitStack() as stack:
            variables = stack.enter_context(our_workers(python, 2))
            pair = stack.enter_context(group(python, "allreduce_steps", size, variables))
            for _ in range(sizes.turns):
                pair.take_turn(20)
        measured[size] = pair.median
    here = fitted(measured)
    network = Network(GRADIENT_BYTES, per_image)
    points = ", ".join(
        f"{size / MEBIBYTE:g} MiB {seconds * 1000:.2f} ms" for size, seconds in measured.items()
    )
    notes = [
        f"Allreduce on two workers of this machine, medians: {points}. Fitted: "
        f"{here.latency * 1e6:.0f} us a message and {here.bandwidth / 1e9:.2f} GB/s.",
        "",
        "Scaling on paper (`benchmarks/training/scaling.py`; no overlap, workers of this machine's "
        "speed, one ring): share of unconnected workers' speed, and the batch a worker below which "
        "twice the workers are no faster.",
        "",
        "| link | batch | 2 | 4 | 8 | 16 | 32 | 64 workers | least batch at 64 |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for machine in (here, *LINKS):
        for batch in (32, 128):
            shares = [f"{efficiency(network, batch, 2**n, machine):.2f}" for n in range(1, 7)]
            least = least_batch(network, 64, machine)
            notes.append(f"| {machine.name} | {batch} | {' | '.join(shares)} | {least} |")
    return notes
