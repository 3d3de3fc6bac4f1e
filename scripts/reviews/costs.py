"""What a month and a run cost before and after, by the price table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.assembly import AssemblyError
from infra.costs import (
    EXAMPLE,
    PriceError,
    Prices,
    RunCost,
    StepCost,
    load_prices,
    load_rates,
    monthly_cost,
    run_cost,
)
from scripts.document import Entry, Mark, Row
from scripts.reviews.comparison import Comparison, Side
from scripts.reviews.policy import Finding

_CENT = 0.005


@dataclass(frozen=True)
class Costs:
    """The section on costs; its summary is empty where nothing gets dearer or cheaper."""

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...] = ()
    summary: str = ""


def costs(comparison: Comparison) -> Costs:
    """Compares what both sides cost; a price that the table lacks is said and no error."""
    prices, region = load_prices(), comparison.region
    try:
        months = [_month(side, prices, region) for side in (comparison.before, comparison.after)]
        runs = [_run(side, prices, region) for side in (comparison.before, comparison.after)]
    except (PriceError, AssemblyError, KeyError, ValueError) as error:
        return Costs((Entry(Mark.NOTE, f"not estimated: {error}"),))
    month_usd = [sum(month.values()) for month in months]
    run_usd = [run.usd if run else 0.0 for run in runs]
    run_words = f"a run over {EXAMPLE.objects:,} images of {EXAMPLE.mean_bytes / 1000:g} kB"
    return Costs(
        (
            _entry("a month in which nothing happens", month_usd, _by_item(*months)),
            _entry(run_words, run_usd, _by_step(*runs), _notes(*runs)),
            Entry(Mark.NOTE, _table(prices, region)),
        ),
        tuple(_findings(month_usd, run_usd)),
        ", ".join(_more(month_usd, "a month") + _more(run_usd, "a run")),
    )


def _month(side: Side, prices: Prices, region: str | None) -> dict[str, float]:
    """USD of each item that costs something while nothing happens."""
    items = monthly_cost(side.stacks.templates, prices, region)
    return {item.what: item.usd for item in items if item.usd is not None}


def _run(side: Side, prices: Prices, region: str | None) -> RunCost | None:
    if side.definition is None:
        return None
    return run_cost(side.definition, load_rates(), EXAMPLE, prices, region)


def _entry(
    what: str, usd: list[float], rows: tuple[Row, ...], notes: tuple[str, ...] = ()
) -> Entry:
    old, new = usd
    if abs(new - old) < _CENT:
        mark = Mark.CHANGED if rows else Mark.NOTE
        return Entry(mark, f"{what}: {_usd(new)}, as before", rows, notes)
    text = f"{what}: {_usd(old)} → {_usd(new)} ({_signed(new - old)})"
    return Entry(Mark.CHANGED, text, rows, notes)


def _by_item(before: Mapping[str, float], after: Mapping[str, float]) -> tuple[Row, ...]:
    return tuple(
        Row(what, *(None if usd is None else _usd(usd) for usd in (old, new)))
        for what in sorted({**before, **after})
        if (old := before.get(what)) != (new := after.get(what))
    )


def _by_step(before: RunCost | None, after: RunCost | None) -> tuple[Row, ...]:
    old, new = (
        {step.step: _step(step) for step in run.steps} if run else {} for run in (before, after)
    )
    return tuple(
        Row(name, old.get(name), new.get(name))
        for name in dict.fromkeys([*new, *old])
        if old.get(name) != new.get(name)
    )


def _step(step: StepCost) -> str:
    on = f"{step.count} x {step.instance}{' (spot)' if step.is_spot else ''}"
    if step.usd is None or step.seconds is None:
        return f"not known, {on}"
    return f"{_usd(step.usd)}, {_time(step.seconds)}, {on}"


def _time(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min"


def _notes(before: RunCost | None, after: RunCost | None) -> tuple[str, ...]:
    if after is None:
        return ()
    both = (before or after, after)
    # One value where both are the same, else e.g. `63 min → 46 min`.
    times = " → ".join(dict.fromkeys(_time(run.seconds) for run in both))
    carbon = " → ".join(dict.fromkeys(f"{run.kg_co2e:.2f} kg" for run in both))
    unknown = (f"without {step.step}: {step.why}" for step in after.unknown)
    return (f"it takes {times} and {carbon} of CO2e", *unknown)


def _findings(months: list[float], runs: list[float]) -> Iterator[Finding]:
    for usd, what, limit in ((months, "a month", "usd_a_month"), (runs, "a run", "usd_a_run")):
        more = usd[1] - usd[0]
        if more >= _CENT:
            yield Finding("cost-increase", f"{_signed(more)} {what}", more, limit)


def _more(usd: list[float], what: str) -> list[str]:
    more = usd[1] - usd[0]
    return [f"{_signed(more)} {what}"] if abs(more) >= _CENT else []


def _table(prices: Prices, region: str | None) -> str:
    rates = load_rates().measured
    where = "" if rates.is_aws else ", not on AWS"
    return (
        f"prices of {prices.date} in {prices.region(region).title}; rates measured on {rates.on}"
        f"{where}: an estimate"
    )


def _usd(usd: float) -> str:
    return f"{usd:,.2f} USD"


def _signed(usd: float) -> str:
    return f"{usd:+,.2f} USD"
