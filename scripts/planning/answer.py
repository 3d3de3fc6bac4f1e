"""A plan as JSON, for other programs, and as a chart."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.costs import RunCost
from scripts.planning.document import notes
from scripts.planning.plan import Choice, Plan
from scripts.planning.records import Way
from scripts.planning.scaling import Scaling

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCHEMA = 1


def as_json(plan: Plan, monthly_usd: float) -> str:
    """One document; seconds, USD and kg of CO2e throughout, null where nothing tells."""
    question = plan.question
    choices = {
        "cheapest": plan.cheapest,
        "least_time_times_money": plan.balanced,
        "fastest": plan.fastest,
        "cheapest_in_time": plan.in_time if question.deadline is not None else None,
    }
    content = {
        "schema": SCHEMA,
        "environment": question.environment,
        "region": question.region,
        "objects": question.workload.objects,
        "mean_bytes": question.workload.mean_bytes,
        "deadline_seconds": question.deadline,
        "rates": question.rates.measured.model_dump(mode="json"),
        "prices": {"date": str(question.prices.date), "currency": question.prices.currency},
        "monthly_usd": round(monthly_usd, 4),
        "as_set": _run(plan, plan.current),
        "training_records": [_way(way) for way in plan.records],
        "shard_images": [_scaling(table) for table in plan.sharding],
        "train_model": [_scaling(table) for table in plan.training],
        "choices": {name: _choice(plan, choice) for name, choice in choices.items()},
        "bigger_instances": list(plan.bigger),
        "notes": list(notes(plan)),
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _run(plan: Plan, cost: RunCost) -> dict[str, Any]:
    return {
        **_totals(cost.seconds, cost.usd, cost.kg_co2e),
        "steps": [
            {
                "step": step.step,
                "instance": step.instance,
                "count": step.count,
                "spot": step.is_spot,
                **_totals(step.seconds, step.usd, step.kg_co2e),
                "waiting_seconds": round(step.waiting_seconds, 3),
                "parts": {name: round(seconds, 3) for name, seconds in step.parts.items()},
                "why": step.why or None,
            }
            for step in cost.steps
        ],
        "limits": list(plan.limits_of(cost)),
    }


def _way(way: Way) -> dict[str, Any]:
    return {
        "input_mode": way.input_mode,
        "distribution": way.distribution,
        "is_set": way.is_set,
        "gb_on_a_host": way.stored_gb,
        "fits": way.fits,
        "copying_seconds": _rounded(way.copying_seconds),
        **_totals(way.cost.seconds, way.cost.usd, way.cost.kg_co2e),
    }


def _scaling(table: Scaling) -> dict[str, Any]:
    return {
        "instance": table.instance,
        "why": table.why or None,
        "knee": table.knee.cost.count if table.knee else None,
        "rows": [
            {
                "count": row.cost.count,
                "workers": row.workers,
                **_totals(row.seconds, row.usd, row.cost.kg_co2e),
                "usd_per_hour_saved": _rounded(row.usd_per_hour_saved),
                "pays": row.pays,
                "limits": list(row.limits),
            }
            for row in table.rows
        ],
    }


def _choice(plan: Plan, choice: Choice | None) -> dict[str, Any] | None:
    if choice is None:
        return None
    return {
        "shard_images": {"instance": choice.sharding[0], "count": choice.sharding[1]},
        "train_model": {"instance": choice.training[0], "count": choice.training[1]},
        **_totals(choice.cost.seconds, choice.cost.usd, choice.cost.kg_co2e),
        "limits": list(plan.limits_of(choice.cost)),
    }


def _totals(seconds: float | None, usd: float | None, kilograms: float | None) -> dict[str, Any]:
    return {"seconds": _rounded(seconds), "usd": _rounded(usd), "kg_co2e": _rounded(kilograms)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def write_chart(plan: Plan, file: Path) -> None:
    """Writes time against money of both steps, by type and number of instances, as SVG.

    The same plan gives the same bytes.
    """
    # Takes seconds to import, and few plans have a chart.
    from matplotlib import rc_context  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415 - see above

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    panels = (("ShardImages", plan.sharding), ("TrainModel", plan.training))
    for axes, (title, tables) in zip(figure.subplots(1, 2), panels, strict=True):
        _draw(axes, title, tables)
    with rc_context({"svg.hashsalt": "shardwise"}):
        figure.savefig(file, format="svg", metadata={"Date": None})


def _draw(axes: "Axes", title: str, tables: Sequence[Scaling]) -> None:
    axes.set(title=f"{title}: numbers of instances", xlabel="hours", ylabel="USD")
    axes.set_xscale("log")
    axes.grid(alpha=0.3)
    for table in tables:
        if not table.rows:
            continue
        hours = [row.seconds / 3600 for row in table.rows]
        usd = [row.usd for row in table.rows]
        [line] = axes.plot(hours, usd, marker="o", markersize=4, label=table.instance)
        for row, at in zip(table.rows, hours, strict=True):
            axes.annotate(
                str(row.cost.count), (at, row.usd), (4, 4), textcoords="offset points", fontsize=7
            )
        knee = table.knee
        if knee is not None:
            axes.plot(
                [knee.seconds / 3600], [knee.usd], marker="o", markersize=12, fillstyle="none",
                color=line.get_color(),
            )  # fmt: skip
    if any(table.rows for table in tables):
        axes.legend(frameon=False, title="circled: more stop paying")
    axes.set_ylim(bottom=0)
