"""Time against money of both steps, by type and number of instances, as SVG."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scripts.planning.plan import Plan
from scripts.planning.scaling import Scaling


def write_chart(plan: Plan, file: Path) -> None:
    """The same plan gives the same bytes."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    panels = (("ShardImages", plan.sharding), ("TrainModel", plan.training))
    for axes, (title, tables) in zip(figure.subplots(1, 2), panels, strict=True):
        _draw(axes, title, tables)
    with rc_context({"svg.hashsalt": "shardwise"}):
        figure.savefig(file, format="svg", metadata={"Date": None})


def _draw(axes: Axes, title: str, tables: Sequence[Scaling]) -> None:
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
