"""The plan in words and tables, whatever they are written as."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.costs import StepCost
from scripts.planning.notes import notes
from scripts.planning.plan import Choice, Plan
from scripts.planning.quantities import told_bytes, told_seconds, told_usd
from scripts.planning.scaling import Row, Scaling

STOPS = "beyond it more stop paying"


@dataclass(frozen=True)
class Table:
    """Cells as text; all columns but `left` are numbers."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1


@dataclass(frozen=True)
class Section:
    """A title, a table where there is one, sentences."""

    title: str
    table: Table | None = None
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """What is written."""

    title: str
    summary: str
    sections: tuple[Section, ...]


def document(plan: Plan, monthly_usd: float) -> Document:
    """The plan's document.

    Args:
        monthly_usd: of the environment while nothing runs.
    """
    question, workload = plan.question, plan.question.workload
    sections = [
        _current(plan),
        _step(plan, "Processing: ShardImages, one instance a training worker", plan.sharding),
        _step(plan, _training_title(plan), plan.training),
        _choices(plan),
        Section(
            "Bigger instances instead of more",
            sentences=plan.bigger
            or ("None of these types beats more of a smaller one by more than 2 %.",),
        ),
        Section("How this was reckoned", sentences=tuple(notes(plan))),
    ]
    return Document(
        f"{workload.objects:,} objects of {told_bytes(workload.mean_bytes)} "
        f"({told_bytes(workload.objects * workload.mean_bytes)}), {question.environment} in "
        f"{question.region}",
        f"As it is set a run takes {_taken(plan.current.seconds, plan.current.usd)} and "
        f"{told_kilograms(plan.current.kg_co2e)}; the environment besides costs "
        f"{told_usd(monthly_usd)} a month.",
        tuple(sections),
    )


def told_kilograms(kilograms: float) -> str:
    return f"{kilograms:.2g} kg CO2e" if kilograms < 10 else f"{kilograms:,.0f} kg CO2e"


def told_instances(instance: tuple[str, int]) -> str:
    return f"{instance[1]} x {instance[0]}"


def _taken(seconds: float, usd: float) -> str:
    return f"{told_seconds(seconds)}, {told_usd(usd)}"


def _current(plan: Plan) -> Section:
    rows = tuple(_step_row(step) for step in plan.current.steps)
    unknown = tuple(
        f"{step.step}: {step.why}; sums are without it." for step in plan.current.unknown
    )
    requests = (f"Requests to S3: {told_usd(plan.current.requests_usd)}.",)
    header = ("step", "instances", "goes into", "time", "USD", "kg CO2e")
    return Section(
        "As it is set",
        Table(header, rows, left=3),
        (*plan.limits_of(plan.current), *unknown, *requests),
    )


def _step_row(step: StepCost) -> tuple[str, ...]:
    instances = told_instances((step.instance, step.count)) + (" (spot)" if step.is_spot else "")
    if step.seconds is None:
        return (step.step, instances, "not known", "?", "?", "?")
    parts = {"start-up": step.waiting_seconds, **step.parts}
    most = sorted(parts.items(), key=lambda part: -part[1])[:3]
    told = ", ".join(f"{name} {seconds / step.seconds:.0%}" for name, seconds in most if seconds)
    return (
        step.step, instances, told, told_seconds(step.seconds), _number(step.usd),
        _number(step.kg_co2e),
    )  # fmt: skip


def _number(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:,.2f}" if value >= 0.095 else f"{value:.2g}"


def _training_title(plan: Plan) -> str:
    each = plan.workers_per_host
    told = "one worker" if each == 1 else f"{each} workers"
    return f"Training: TrainModel, {told} an instance, with GPUs one a GPU"


def _step(plan: Plan, title: str, tables: Sequence[Scaling]) -> Section:
    rows = tuple(cells for table in tables for cells in _scaling_rows(table))
    against = dict.fromkeys(
        sentence for table in tables for row in table.rows for sentence in row.limits
    )
    unknown = tuple(
        f"{table.instance}: {table.why}; name such a run with --from, or give a GPU's speed with "
        "--assume-gpu."
        for table in tables
        if table.why
    )
    header = ("type", "instances", "time", "USD", "kg CO2e", "USD an hour saved", "")
    marked = ("! " + _shortened(tuple(against)),) if against else ()
    return Section(title, Table(header, rows) if rows else None, (*unknown, *marked))


def _shortened(sentences: tuple[str, ...]) -> str:
    """The first of many of a kind."""
    rest = len(sentences) - 1
    return sentences[0] + (f" And {rest} more like it." if rest else "")


def _scaling_rows(table: Scaling) -> Iterator[tuple[str, ...]]:
    for row in table.rows:
        yield (
            table.instance,
            str(row.cost.count),
            told_seconds(row.seconds),
            _number(row.usd),
            _number(row.cost.kg_co2e),
            _saved(table, row),
            " ".join(
                [
                    *(["!"] if row.limits else []),
                    *([STOPS] if row is table.knee and row is not table.rows[-1] else []),
                ]
            ),
        )


def _saved(table: Scaling, row: Row) -> str:
    if row is table.rows[0]:
        return ""
    if row.usd_per_hour_saved is None:
        return "none saved"
    return "free" if row.usd_per_hour_saved < 0.01 else _number(row.usd_per_hour_saved)


def _choices(plan: Plan) -> Section:
    deadline = plan.question.deadline
    named: list[tuple[str, Choice | None]] = [
        ("cheapest", plan.cheapest),
        ("least time x money", plan.balanced),
        ("fastest", plan.fastest),
    ]
    if deadline is not None:
        named.append((f"cheapest within {told_seconds(deadline)}", plan.in_time))
    rows = tuple(_choice_row(name, choice) for name, choice in named if choice is not None)
    header = ("run", "ShardImages", "TrainModel", "time", "USD", "kg CO2e")
    against = dict.fromkeys(
        sentence for _, choice in named if choice for sentence in plan.limits_of(choice.cost)
    )
    return Section("Whole runs", Table(header, rows, left=3), (*against, *missed_deadline(plan)))


def missed_deadline(plan: Plan) -> tuple[str, ...]:
    """A sentence where no choice ends within the deadline."""
    deadline, fastest = plan.question.deadline, plan.fastest
    if deadline is None or plan.in_time is not None or fastest is None:
        return ()
    return (
        f"No choice ends within {told_seconds(deadline)}: the fastest takes "
        f"{told_seconds(fastest.cost.seconds)}, on {told_instances(fastest.sharding)} and "
        f"{told_instances(fastest.training)}; name other --instance-types, or wait longer.",
    )


def _choice_row(name: str, choice: Choice) -> tuple[str, ...]:
    return (
        name,
        told_instances(choice.sharding),
        told_instances(choice.training),
        told_seconds(choice.cost.seconds),
        _number(choice.cost.usd),
        _number(choice.cost.kg_co2e),
    )
