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
    monthly_usd,
    run_cost,
)
from scripts.document import Entry, Mark, Row
from scripts.reviews.comparison import Comparison, Side
from scripts.reviews.policy import Finding

_CENT = 0.005


@dataclass(frozen=True)
class Costs:
    """The section on costs.

    Attributes:
        summary: for the one line; empty where nothing gets dearer or cheaper.
    """

    entries: tuple[Entry, ...]
    findings: tuple[Finding, ...] = ()
    summary: str = ""


@dataclass(frozen=True)
class _SideCosts:
    month: Mapping[str, float]
    run: RunCost | None

    @property
    def run_usd(self) -> float:
        return self.run.usd if self.run else 0.0


def costs(comparison: Comparison) -> Costs:
    """Compares what both sides cost; a price that the table lacks is said and no error."""
    prices = load_prices()
    try:
        before = _side_costs(comparison.before, prices, comparison.region)
        after = _side_costs(comparison.after, prices, comparison.region)
    except (PriceError, AssemblyError, KeyError, ValueError) as error:
        return Costs((Entry(Mark.NOTE, f"not estimated: {error}"),))
    months = [sum(side.month.values()) for side in (before, after)]
    runs = [before.run_usd, after.run_usd]
    return Costs(
        (
            _entry("a month in which nothing happens", months, _by_item(before, after)),
            _entry(
                _run_words(), runs, _by_step(before.run, after.run), _notes(before.run, after.run)
            ),
            Entry(Mark.NOTE, _table(prices, comparison.region)),
        ),
        tuple(_findings(months, runs)),
        ", ".join(_more(months, "a month") + _more(runs, "a run")),
    )


def _side_costs(side: Side, prices: Prices, region: str | None) -> _SideCosts:
    items = monthly_cost(side.stacks.templates, prices, region)
    month = {item.what: item.usd for item in items if item.usd is not None}
    assert abs(sum(month.values()) - monthly_usd(items)) < _CENT  # noqa: S101 - names are unique
    run = None
    if side.definition:
        run = run_cost(side.definition, load_rates(), EXAMPLE, prices, region)
    return _SideCosts(month, run)


def _entry(
    what: str, usd: list[float], rows: tuple[Row, ...], notes: tuple[str, ...] = ()
) -> Entry:
    old, new = usd
    if abs(new - old) < _CENT:
        return Entry(
            Mark.CHANGED if rows else Mark.NOTE, f"{what}: {_usd(new)}, as before", rows, notes
        )
    return Entry(
        Mark.CHANGED, f"{what}: {_usd(old)} → {_usd(new)} ({_signed(new - old)})", rows, notes
    )


def _by_item(before: _SideCosts, after: _SideCosts) -> tuple[Row, ...]:
    return tuple(
        Row(what, *(None if usd is None else _usd(usd) for usd in (old, new)))
        for what in sorted({**before.month, **after.month})
        if (old := before.month.get(what)) != (new := after.month.get(what))
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
    times, carbon = ([f(run) for run in both] for f in (_minutes, _kilograms))
    unknown = (f"without {step.step}: {step.why}" for step in after.unknown)
    return (f"it takes {_changed(times)} and {_changed(carbon)} of CO2e", *unknown)


def _minutes(run: RunCost) -> str:
    return _time(run.seconds)


def _kilograms(run: RunCost) -> str:
    return f"{run.kg_co2e:.2f} kg"


def _changed(values: list[str]) -> str:
    """E.g. `63 min → 46 min`, or one value where both are the same."""
    return " → ".join(dict.fromkeys(values))


def _findings(months: list[float], runs: list[float]) -> Iterator[Finding]:
    for usd, what, limit in ((months, "a month", "usd_a_month"), (runs, "a run", "usd_a_run")):
        more = usd[1] - usd[0]
        if more >= _CENT:
            yield Finding("cost-increase", f"{_signed(more)} {what}", more, limit)


def _more(usd: list[float], what: str) -> list[str]:
    more = usd[1] - usd[0]
    return [f"{_signed(more)} {what}"] if abs(more) >= _CENT else []


def _run_words() -> str:
    return f"a run over {EXAMPLE.objects:,} images of {EXAMPLE.mean_bytes / 1000:g} kB"


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
