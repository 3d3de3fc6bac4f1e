"""`./scripts/plan`: what a run of a size would take, on which instances."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
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
from scripts.cli import command, environment_option
from scripts.console import CommandError, complain
from scripts.deployed.session import aws_session
from scripts.document import markdown, print_document
from scripts.planning.answer import as_json, write_chart
from scripts.planning.document import document, missed_deadline
from scripts.planning.plan import Plan, Question
from scripts.planning.quantities import QuantityError, parse_bytes, parse_count, parse_seconds
from scripts.planning.rates import measured_rates, with_assumed_gpus
from scripts.planning.recorded import RecordedRun, read_run
from scripts.reviews.synthesis import templates_of

MISSED = 3


@dataclass(frozen=True)
class Options:
    """What a person asks; `main` tells what each is."""

    environment: str
    objects: int | None
    mean_size: int | None
    runs: tuple[str, ...]
    epochs: int | None
    instance_types: str
    deadline: float | None
    region: str | None
    assume_gpu: tuple[str, ...]
    kind: str
    chart: Path | None
    save_rates: Path | None


class Quantity(click.ParamType[float]):
    """A number as people write it, e.g. `180KB`, read by a function that raises QuantityError."""

    name = "quantity"

    def __init__(self, parse: Callable[[str], float]) -> None:
        self._parse = parse

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Reads the text; CommandError where it is no such number."""
        try:
            return self._parse(value)
        except QuantityError as error:
            raise CommandError(f"{param.opts[0] if param else self.name}: {error}.") from error


@command("plan", example="./scripts/plan --objects 5M --mean-size 180KB -e prod --deadline 6h")
@click.option(
    "--objects",
    metavar="N",
    type=Quantity(parse_count),
    help="images, e.g. 5000000 or 5M (default: the setting data.expected_images)",
)
@click.option(
    "--mean-size",
    metavar="SIZE",
    type=Quantity(parse_bytes),
    help="of an image file, e.g. 180KB (default: the setting data.expected_image_kilobytes)",
)
@click.option(
    "--from",
    "runs",
    multiple=True,
    metavar="RUN",
    help="an execution's id or ARN, or newest, whose rates count; several are fitted together; "
    "without --objects and --mean-size, its own dataset",
)
@click.option("--epochs", type=int, metavar="N", help="(default: the environment's)")
@click.option(
    "--instance-types",
    metavar="TYPES",
    default="",
    help="e.g. ml.c5.xlarge,ml.g5.xlarge (default: those that are set, and bigger ones)",
)
@click.option(
    "--deadline", metavar="TIME", type=Quantity(parse_seconds), help="that a run may take, e.g. 6h"
)
@click.option("--region", help="whose prices and grid (default: the environment's)")
@click.option(
    "--assume-gpu",
    multiple=True,
    metavar="KIND=IMAGES/S",
    help="a GPU's training speed that was not measured, e.g. T4=1500",
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(("terminal", "markdown", "json")),
    default="terminal",
    show_default=True,
)
@click.option(
    "--chart", type=click.Path(path_type=Path), metavar="FILE.svg", help="time against money"
)
@click.option(
    "--save-rates",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="the rates of --from, as rates.json has them",
)
@environment_option
def main(console: Console, **given: Any) -> int:
    """Tells what a run on so many images would take, on which instances.

    That is time, money and carbon against the type and number of instances, where more stop paying,
    and when a bigger one beats more of them. Rates are those of a finished run, or of a rehearsal
    that the answer names. Ends with 0, with 3 where nothing ends within the deadline, with 1 on an
    error.
    """
    options = Options(**given)
    prices = load_prices()
    runs = _runs(options)
    try:
        rates = _rates(options, runs, prices)
        workload = _workload(options, runs)
        plan, month = _plan(options, workload, rates, prices)
    except (PriceError, AssemblyError, SettingsError) as error:
        raise CommandError(str(error)) from error
    _write(plan, month, options, console)
    missed = missed_deadline(plan)
    return complain(missed[0], MISSED) if missed else 0


def _runs(options: Options) -> list[RecordedRun]:
    if not options.runs:
        if options.save_rates:
            raise CommandError("--save-rates keeps the rates of a run: name it with --from.")
        return []
    session = aws_session()
    return [read_run(session, options.environment, name) for name in options.runs]


def _rates(options: Options, runs: list[RecordedRun], prices: Prices) -> Rates:
    rates = measured_rates(runs, load_rates(), prices) if runs else load_rates()
    if options.save_rates:
        options.save_rates.write_text(rates.model_dump_json(indent=2) + "\n", "utf-8")
    return rates


def _workload(options: Options, runs: list[RecordedRun]) -> Workload:
    if options.epochs is not None and options.epochs < 1:
        raise CommandError(f"--epochs is {options.epochs}: train for at least one epoch.")
    objects, mean = _expected(options, runs)
    if objects is None:
        raise CommandError(
            "It is not said what is planned: give --objects, a run with --from, or the setting "
            "data.expected_images."
        )
    return Workload(objects, mean, {} if options.epochs is None else {"Epochs": options.epochs})


def _expected(options: Options, runs: list[RecordedRun]) -> tuple[int | None, float]:
    """Images and their mean size: as they are given, of the last run, or of the settings."""
    if runs:
        return options.objects or runs[-1].objects, options.mean_size or runs[-1].mean_bytes
    if options.objects and options.mean_size:
        return options.objects, options.mean_size
    data = load(options.environment).data
    return (
        options.objects or data.expected_images,
        options.mean_size or data.expected_image_kilobytes * 1000,
    )


def _plan(options: Options, workload: Workload, rates: Rates, prices: Prices) -> tuple[Plan, float]:
    region = options.region or _region(options.environment)
    prices.region(region)
    templates = templates_of(options.environment)
    definition = pipeline_definition(templates["training"])
    question = Question(
        environment=options.environment,
        region=region,
        definition=definition,
        workload=workload,
        rates=with_assumed_gpus(rates, options.assume_gpu, definition, prices),
        prices=prices,
        instance_types=tuple(filter(None, options.instance_types.split(","))),
        deadline=options.deadline,
    )
    return Plan(question), monthly_usd(monthly_cost(templates, prices, region))


def _region(environment: str) -> str:
    named = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return load(environment.partition("-")[0]).region or named or DEFAULT_REGION


def _write(plan: Plan, month: float, options: Options, console: Console) -> None:
    if options.chart:
        write_chart(plan, options.chart)
    if options.kind == "json":
        sys.stdout.write(as_json(plan, month) + "\n")
    elif options.kind == "markdown":
        sys.stdout.write(markdown(document(plan, month)))
    else:
        print_document(document(plan, month), console)
