"""The plan in words and tables, and what it rests on: measured, carried, assumed, left out."""

from collections.abc import Iterator, Sequence

from infra.costs import StepCost
from infra.costs.durations import NoRateError, training_rate
from scripts.document import Document, Section, Table
from scripts.planning.plan import Plan
from scripts.planning.quantities import format_bytes, format_seconds, format_usd
from scripts.planning.records import cheapest
from scripts.planning.scaling import Scaling, ScalingRow

_NEAR = 1.5  # a mean size within this factor of a measured one is near it
_STOPS = "beyond it more stop paying"


def document(plan: Plan, monthly_usd: float) -> Document:
    """The plan's document, with what the environment costs a month while nothing runs."""
    question, workload, carbon = plan.question, plan.question.workload, plan.current.kg_co2e
    kilograms = f"{carbon:.2g}" if carbon < 10 else f"{carbon:,.0f}"
    sections = [
        _current(plan),
        _records(plan),
        _step(plan, "Processing: ShardImages, one instance a training worker", plan.sharding),
        _step(plan, _training_title(plan), plan.training),
        _choices(plan),
        Section(
            "Bigger instances instead of more",
            sentences=plan.bigger
            or ("None of these types beats more of a smaller one by more than 2 %.",),
        ),
        Section("How this was estimated", sentences=tuple(notes(plan))),
    ]
    return Document(
        f"{workload.objects:,} objects of {format_bytes(workload.mean_bytes)} "
        f"({format_bytes(workload.objects * workload.mean_bytes)}), {question.environment} in "
        f"{question.region}",
        f"As it is set a run takes {format_seconds(plan.current.seconds)}, "
        f"{format_usd(plan.current.usd)} and {kilograms} kg CO2e; the environment besides costs "
        f"{format_usd(monthly_usd)} a month.",
        tuple(sections),
    )


def _instances(instance: tuple[str, int]) -> str:
    return f"{instance[1]} x {instance[0]}"


def _current(plan: Plan) -> Section:
    rows = tuple(_step_row(step) for step in plan.current.steps)
    unknown = tuple(
        f"{step.step}: {step.why}; sums are without it." for step in plan.current.unknown
    )
    requests = (f"Requests to S3: {format_usd(plan.current.requests_usd)}.",)
    header = ("step", "instances", "goes into", "time", "USD", "kg CO2e")
    return Section(
        "As it is set",
        table=Table(header, rows, left=3),
        sentences=(*plan.limits_of(plan.current), *unknown, *requests),
    )


def _step_row(step: StepCost) -> tuple[str, ...]:
    instances = _instances((step.instance, step.count)) + (" (spot)" if step.is_spot else "")
    if step.seconds is None:
        return (step.step, instances, "not known", "?", "?", "?")
    parts = {"start-up": step.waiting_seconds, **step.parts}
    most = sorted(parts.items(), key=lambda part: -part[1])[:3]
    most_of_it = ", ".join(
        f"{name} {seconds / step.seconds:.0%}" for name, seconds in most if seconds
    )
    return (
        step.step, instances, most_of_it, format_seconds(step.seconds), _number(step.usd),
        _number(step.kg_co2e),
    )  # fmt: skip


def _records(plan: Plan) -> Section:
    job = plan.jobs["TrainModel"]
    rows = tuple(
        (
            *(way.input_mode, way.distribution, f"{way.stored_gb:,}"),
            format_seconds(way.copying_seconds),
            "?" if way.cost.seconds is None else format_seconds(way.cost.seconds),
            _number(way.cost.usd),
            way.remarks,
        )
        for way in plan.records
    )
    header = ("input_mode", "distribution", "GB on a host", "copying", "time", "USD", "")
    return Section(
        f"How records reach TrainModel: {_instances((job.instance, job.count))}",
        table=Table(header, rows, left=2),
        sentences=tuple(filter(None, (cheapest(plan.records),))),
    )


def _number(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:,.2f}" if value >= 0.095 else f"{value:.2g}"


def _training_title(plan: Plan) -> str:
    each = plan.workers_per_host
    workers = "one worker" if each == 1 else f"{each} workers"
    return f"Training: TrainModel, {workers} an instance, with GPUs one a GPU"


def _step(plan: Plan, title: str, tables: Sequence[Scaling]) -> Section:
    rows = tuple(cells for table in tables for cells in _scaling_rows(table))
    against = list(
        dict.fromkeys(sentence for table in tables for row in table.rows for sentence in row.limits)
    )
    sentences = [
        f"{table.instance}: {table.why}; name such a run with --from, or give a GPU's speed with "
        "--assume-gpu."
        for table in tables
        if table.why
    ]
    if against:
        more = f" And {len(against) - 1} more like it." if len(against) > 1 else ""
        sentences.append(f"! {against[0]}{more}")
    header = ("type", "instances", "time", "USD", "kg CO2e", "USD an hour saved", "")
    table = Table(header, rows, highlight=_STOPS) if rows else None
    return Section(title, table=table, sentences=tuple(sentences))


def _scaling_rows(table: Scaling) -> Iterator[tuple[str, ...]]:
    for row in table.rows:
        stops = _STOPS if row is table.knee and row is not table.rows[-1] else ""
        yield (
            table.instance,
            str(row.cost.count),
            format_seconds(row.seconds),
            _number(row.usd),
            _number(row.cost.kg_co2e),
            _saved(table, row),
            " ".join(filter(None, ("!" if row.limits else "", stops))),
        )


def _saved(table: Scaling, row: ScalingRow) -> str:
    if row is table.rows[0]:
        return ""
    if row.usd_per_hour_saved is None:
        return "none saved"
    return "free" if row.usd_per_hour_saved < 0.01 else _number(row.usd_per_hour_saved)


def _choices(plan: Plan) -> Section:
    named = {
        "cheapest": plan.cheapest,
        "least time x money": plan.balanced,
        "fastest": plan.fastest,
    }
    if plan.question.deadline is not None:
        named[f"cheapest within {format_seconds(plan.question.deadline)}"] = plan.in_time
    choices = {name: choice for name, choice in named.items() if choice is not None}
    rows = (
        (
            name,
            _instances(choice.sharding),
            _instances(choice.training),
            format_seconds(choice.cost.seconds),
            _number(choice.cost.usd),
            _number(choice.cost.kg_co2e),
        )
        for name, choice in choices.items()
    )
    against = dict.fromkeys(
        sentence for choice in choices.values() for sentence in plan.limits_of(choice.cost)
    )
    header = ("run", "ShardImages", "TrainModel", "time", "USD", "kg CO2e")
    return Section(
        "Whole runs",
        table=Table(header, tuple(rows), left=3),
        sentences=(*against, *missed_deadline(plan)),
    )


def missed_deadline(plan: Plan) -> tuple[str, ...]:
    """A sentence where no choice ends within the deadline."""
    deadline, fastest = plan.question.deadline, plan.fastest
    if deadline is None or plan.in_time is not None or fastest is None:
        return ()
    return (
        f"No choice ends within {format_seconds(deadline)}: the fastest takes "
        f"{format_seconds(fastest.cost.seconds)}, on {_instances(fastest.sharding)} and "
        f"{_instances(fastest.training)}; name other --instance-types, or wait longer.",
    )


def notes(plan: Plan) -> Iterator[str]:
    """One sentence each."""
    yield from _rates(plan)
    yield from _carried(plan)
    yield from _assumed(plan)
    yield from _prices(plan)
    yield (
        "More instances stop paying beyond the row of least time x money: there, time falls by a "
        "smaller share than money rises. An hour saved is priced against the row above."
    )
    yield (
        "Carbon: watts of vCPUs, memory and GPUs at full load, the building's share and the "
        "Region's grid (by place, not by contracts); disks, network and manufacture are left out."
    )
    yield (
        "Left out: retries, waits for and losses of spare capacity, executions beside this one, "
        "the requests by which FastFile reads. How many instances of a type your account may have "
        "is told by Service Quotas and not here."
    )


def _rates(plan: Plan) -> Iterator[str]:
    measured = plan.question.rates.measured
    where = "AWS" if measured.is_aws else "a rehearsal on this kind of machine, not AWS"
    yield f"Rates: measured on {measured.on} on {measured.machine} ({where}): {measured.run}."
    if not measured.is_aws:
        yield (
            "A vCPU of AWS is taken to be as fast as one of its cores: measure a run there and "
            "name it with --from."
        )


def _carried(plan: Plan) -> Iterator[str]:
    yield (
        "ShardImages and CPU workers are taken to be faster in proportion to their vCPUs, which "
        "was measured from one core to two; small networks gain less from more threads. A GPU's "
        "speed is never carried from another processor's."
    )
    sizes, mean = plan.question.rates.sharding.measured_bytes, plan.question.workload.mean_bytes
    if not any(1 / _NEAR <= mean / size <= _NEAR for size in sizes):
        measured = ", ".join(format_bytes(size) for size in sizes)
        yield (
            f"Files of {format_bytes(mean)} were not measured, only of {measured}: decoding is "
            "carried along a line."
        )
    record = plan.work.record
    if record.encoding != "raw":
        yield (
            f"A {record.encoding.upper()} record of {record.image_size} x {record.image_size} "
            f"pixels is taken to have {format_bytes(record.bytes)}, as photographs had "
            "(infra/costs/records.py): the reports of ShardImages tell what a run's own have."
        )
    yield from _carried_network(plan)


def _carried_network(plan: Plan) -> Iterator[str]:
    job, instance = plan.jobs["TrainModel"], plan.instance(plan.jobs["TrainModel"].instance)
    try:
        training_rate(job, plan.work, instance)
    except NoRateError:
        return
    known = plan.question.rates.training_of(
        job.options["model"], job.options["precision"], instance.gpu or "cpu"
    )
    if known is None:
        return
    size = plan.work.record.image_size
    if known.image_size != size:
        yield (
            f"{known.network} was measured on {known.image_size} x {known.image_size} pixels and "
            f"is carried to {size} x {size} by their number."
        )
    for rate in plan.question.rates.training:
        if not rate.is_measured:
            yield (
                f"{rate.network} on the GPU {rate.processor}: {1 / rate.seconds_per_image:,.0f} "
                "images/s were given on the command line, not measured."
            )


def _assumed(plan: Plan) -> Iterator[str]:
    assumed, measured = plan.question.rates.assumed, plan.question.rates.measured
    start = "measured" if measured.is_aws else "assumed"
    yield (
        f"Instances start within {assumed.start_up_seconds:.0f} s ({start}; not billed). Assumed: "
        f"{assumed.listed_per_second:,.0f} keys/s are listed, a host downloads "
        f"{assumed.files_per_second:,.0f} files/s at most and uses its network's whole baseline, "
        "also to stream records (FastFile) while its workers compute, "
        f"{assumed.latency_seconds * 1e6:.0f} us lie between two workers."
    )


def _prices(plan: Plan) -> Iterator[str]:
    prices, region = plan.question.prices, plan.question.region
    yield (
        f"Prices: infra/costs/prices.toml of {prices.date}, in USD, on demand, without taxes, free "
        "tiers or savings plans; its sources stand in it."
    )
    types = {step.instance for step in plan.current.steps}
    types |= {table.instance for table in plan.sharding + plan.training}
    derived = sorted(each for each in types if not prices.is_confirmed(each, region))
    if derived:
        yield f"Not read but derived from another Region's price: {', '.join(derived)}."
    if any(step.is_spot for step in plan.current.steps):
        yield f"Spot training is assumed to save {prices.spot_discount:.0%}."
