"""`./scripts/plan`: what a run of a size would take, on which instances."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from rich.console import Console

from infra.assembly import AssemblyError, pipeline_definition
from infra.costs import (
    DEFAULT_REGION,
    PriceError,
    Prices,
    Rates,
    Workload,
    load_prices,
    load_rates,
    monthly_cost,
    monthly_usd,
)
from infra.settings import SettingsError, load
from scripts import REPOSITORY
from scripts.console import CommandError, complain, parser, run
from scripts.deployed.session import aws_session
from scripts.document import markdown, print_document
from scripts.planning.answer import as_json
from scripts.planning.document import document, missed_deadline
from scripts.planning.plan import Plan, Question
from scripts.planning.quantities import QuantityError, parse_bytes, parse_count, parse_seconds
from scripts.planning.rates import measured_rates, with_assumed_gpus
from scripts.planning.recorded import RecordedRun, read_run
from scripts.reviews.stacks import Template
from scripts.reviews.synthesis import synthesis

T = TypeVar("T")
MISSED = 3


def main(argv: list[str] | None = None) -> int:
    arguments = _arguments(argv)
    return run(lambda console: command(arguments, console))


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    made = parser(
        "plan",
        "Tells what a run on so many images would take: time, money and carbon against the type\n"
        "and number of instances, where more stop paying, and when a bigger one beats more of\n"
        "them. Rates are those of a finished run, or of a rehearsal that the answer names.\n"
        "Ends with 0, with 3 where nothing ends within the deadline, with 1 on an error.",
        "./scripts/plan --objects 5000000 --mean-size 180KB --env prod --deadline 6h",
    )
    made.add_argument("--objects", metavar="N", help="images, e.g. 5000000 or 5M")
    made.add_argument("--mean-size", metavar="SIZE", help="of an image file, e.g. 180KB")
    made.add_argument(
        "--from",
        dest="runs",
        action="append",
        default=[],
        metavar="RUN",
        help="an execution's id or ARN, or newest, whose rates count; several are fitted together; "
        "without --objects and --mean-size, its own dataset",
    )
    made.add_argument("--epochs", type=int, metavar="N", help="(default: the environment's)")
    made.add_argument(
        "--instance-types",
        metavar="TYPES",
        default="",
        help="e.g. ml.c5.xlarge,ml.g5.xlarge (default: those that are set, and bigger ones)",
    )
    made.add_argument("--deadline", metavar="TIME", help="that a run may take, e.g. 6h")
    made.add_argument("--region", help="whose prices and grid (default: the environment's)")
    made.add_argument(
        "--assume-gpu",
        action="append",
        default=[],
        metavar="KIND=IMAGES/S",
        help="a GPU's training speed that was not measured, e.g. T4=1500",
    )
    made.add_argument("--format", choices=("terminal", "markdown", "json"), default="terminal")
    made.add_argument("--chart", type=Path, metavar="FILE.svg", help="time against money")
    made.add_argument(
        "--save-rates",
        type=Path,
        metavar="FILE",
        help="the rates of --from, as rates.json has them",
    )
    return made.parse_args(argv)


def command(arguments: argparse.Namespace, console: Console) -> int:
    """Prints the plan; gives the exit status."""
    prices = load_prices()
    runs = _runs(arguments)
    try:
        rates = _rates(arguments, runs, prices)
        workload = _workload(arguments, runs)
        plan, month = _plan(arguments, workload, rates, prices)
    except (PriceError, AssemblyError, SettingsError) as error:
        raise CommandError(str(error)) from error
    _write(plan, month, arguments, console)
    missed = missed_deadline(plan)
    return complain(missed[0], MISSED) if missed else 0


def _runs(arguments: argparse.Namespace) -> list[RecordedRun]:
    if not arguments.runs:
        if arguments.save_rates:
            raise CommandError("--save-rates keeps the rates of a run: name it with --from.")
        return []
    session = aws_session()
    return [read_run(session, arguments.environment, name) for name in arguments.runs]


def _rates(arguments: argparse.Namespace, runs: list[RecordedRun], prices: Prices) -> Rates:
    rates = load_rates()
    if runs:
        rates = measured_rates(runs, rates, prices)
    if arguments.save_rates:
        arguments.save_rates.write_text(rates.model_dump_json(indent=2) + "\n", "utf-8")
    return rates


def _workload(arguments: argparse.Namespace, runs: list[RecordedRun]) -> Workload:
    parameters = {} if arguments.epochs is None else {"Epochs": arguments.epochs}
    if arguments.epochs is not None and arguments.epochs < 1:
        raise CommandError(f"--epochs is {arguments.epochs}: train for at least one epoch.")
    if not runs and not (arguments.objects and arguments.mean_size):
        raise CommandError(
            "It is not said what is planned: give --objects and --mean-size, or a run with --from."
        )
    objects = _given("--objects", arguments.objects, parse_count)
    mean = _given("--mean-size", arguments.mean_size, parse_bytes)
    return Workload(objects or runs[-1].objects, mean or runs[-1].mean_bytes, parameters)


def _given(option: str, text: str | None, parse: Callable[[str], T]) -> T | None:
    if text is None:
        return None
    try:
        return parse(text)
    except QuantityError as error:
        raise CommandError(f"{option}: {error}.") from error


def _plan(
    arguments: argparse.Namespace, workload: Workload, rates: Rates, prices: Prices
) -> tuple[Plan, float]:
    region = arguments.region or _region(arguments.environment)
    deadline = _given("--deadline", arguments.deadline, parse_seconds)
    prices.region(region)
    templates = _templates(arguments.environment)
    definition = pipeline_definition(templates["training"])
    question = Question(
        environment=arguments.environment,
        region=region,
        definition=definition,
        workload=workload,
        rates=with_assumed_gpus(rates, arguments.assume_gpu, definition, prices),
        prices=prices,
        instance_types=tuple(filter(None, arguments.instance_types.split(","))),
        deadline=deadline,
    )
    return Plan(question), monthly_usd(monthly_cost(templates, prices, region))


def _region(environment: str) -> str:
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return load(environment.partition("-")[0]).region or named or DEFAULT_REGION


def _templates(environment: str) -> dict[str, Template]:
    with (
        tempfile.TemporaryDirectory(prefix="plan-") as folder,
        synthesis(REPOSITORY, environment, {}, Path(folder) / "cdk.out") as started,
    ):
        return started.templates()


def _write(plan: Plan, month: float, arguments: argparse.Namespace, console: Console) -> None:
    if arguments.chart:
        from scripts.planning.chart import write_chart  # noqa: PLC0415

        write_chart(plan, arguments.chart)
    if arguments.format == "json":
        sys.stdout.write(as_json(plan, month) + "\n")
    elif arguments.format == "markdown":
        sys.stdout.write(markdown(document(plan, month)))
    else:
        print_document(document(plan, month), console)


if __name__ == "__main__":
    sys.exit(main())
