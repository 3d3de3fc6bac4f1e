"""`./scripts/bench`: measures a part and keeps its table in docs/benchmarks.md."""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from benchmarks import synth
from benchmarks.data.table import QUICK, Pythons, Sizes, data_rows
from benchmarks.harness.programs import REPOSITORY, BenchmarkError
from benchmarks.harness.table import Row, keep, show
from benchmarks.serving import measure as serving
from benchmarks.serving import table as serving_table
from benchmarks.training import table
from rehearsal.images.dockerfile import read


def main() -> int:
    """Measures the part that is named; gives the exit status."""
    arguments = _arguments()
    console = Console(highlight=False)
    try:
        rows, notes = _measure(arguments, console)
    except BenchmarkError as error:
        console.print(str(error), style="bold red")
        return 1
    show(rows, console)
    for note in notes:
        console.print(note)
    if not arguments.quick:
        path = REPOSITORY / "docs" / "benchmarks.md"
        part = arguments.part
        keep(path, part, f"./scripts/bench {part}", rows, notes)
        console.print(f"Kept in {path.relative_to(REPOSITORY)}.")
    return int(arguments.check and any(row.missed for row in rows))


def _measure(arguments: argparse.Namespace, console: Console) -> tuple[list[Row], list[str]]:
    if arguments.part == "training":
        sizes = table.QUICK if arguments.quick else table.Sizes()
        return table.training_rows(arguments.ours, arguments.plain, sizes, console)
    if arguments.part == "synth":
        return synth.synth_rows(1 if arguments.quick else 5, console)
    if arguments.part == "serving":
        turns = serving.QUICK if arguments.quick else serving.Sizes()
        measured = serving.measure(arguments.ours, arguments.plain, turns, console)
        return serving_table.rows(measured), serving_table.notes(measured)
    image = read(REPOSITORY / "containers" / "processing" / "Dockerfile", {}).environment
    variables = {name: value for name, value in image.items() if name != "PATH"}
    pythons = Pythons(arguments.ours, variables, arguments.plain)
    return data_rows(pythons, QUICK if arguments.quick else Sizes(), console)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./scripts/bench",
        description="Measures side by side, and keeps the table in docs/benchmarks.md.",
        epilog="example: ./scripts/bench data --quick",
    )
    parser.add_argument(
        "part", choices=["data", "training", "serving", "synth"], help="what is measured"
    )
    parser.add_argument("--quick", action="store_true", help="small, once, and not kept")
    parser.add_argument(
        "--check", action="store_true", help="exit status 1 where a target is missed"
    )
    parser.add_argument("--ours", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--plain", type=Path, required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
