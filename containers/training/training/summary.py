"""What a training leaves to read: `training.json`, one page with curves, and the model card."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import horovod.tensorflow as hvd
import jinja2
from matplotlib import rc_context
from matplotlib.figure import Figure

from training.launch.cluster import Cluster
from training.progress import Progress
from training.settings import Settings


def draw_curves(history: Sequence[Mapping[str, Any]]) -> str:
    """Loss, accuracy and where the time went; an `<svg>` element."""
    with rc_context({"svg.hashsalt": "shardwise", "svg.fonttype": "none"}):
        figure = Figure(figsize=(11, 3.2), layout="constrained")
        loss, accuracy, time = figure.subplots(1, 3)
        epochs = [entry["epoch"] for entry in history]
        for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
            for kind in (name, f"validation_{name}"):
                axes.plot(epochs, [entry[kind] for entry in history], marker=".", label=kind)
            axes.set(xlabel="epoch", ylabel=name)
            axes.legend(frameon=False)
        shares = ("input_share", "compute_share", "communication_share")
        stacked = [[entry[share] for entry in history] for share in shares]
        time.stackplot(epochs, stacked, labels=[share.removesuffix("_share") for share in shares])
        time.set(xlabel="epoch", ylabel="share of a step's time", ylim=(0, 1))
        time.legend(frameon=False, loc="lower left")
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = file.getvalue()
    return text[text.index("<svg") :]


_TEMPLATES = Path(__file__).with_name("templates")


def summarise(  # noqa: PLR0913 - the facts of a training
    folder: Path,
    settings: Settings,
    *,
    cluster: Cluster,
    progress: Progress,
    labels: list[str],
    weights: dict[str, str],
    read: list[list[int]],
) -> None:
    """Writes `training.json`, `summary.html` and `model_card.md` into the model's `folder`.

    Args:
        weights: rank to SHA-256 of its weights.
        read: records that each rank read in each epoch.
    """
    facts: dict[str, Any] = {
        "schema": 1,
        "hosts": list(cluster.hosts),
        "workers": hvd.size(),
        "history": progress.history,
        "weights": weights,
        "records": {str(rank): counts for rank, counts in enumerate(read)},
        "settings": settings.model_dump(),
        "best_epoch": progress.early_stopping.best_epoch
        if settings.early_stopping_patience
        else None,
    }
    described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "training.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    for name in ("summary.html", "model_card.md"):
        page = _render(f"{name}.j2", facts, labels, described)
        (folder / name).write_text(page, encoding="utf-8")


def _render(name: str, facts: dict[str, Any], labels: list[str], described: dict[str, Any]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shown = {"labels": labels, "described": described, "final": facts["history"][-1]}
    curves = draw_curves(facts["history"]) if name.endswith(".html.j2") else ""
    return environment.get_template(name).render(**facts, **shown, curves=curves)
