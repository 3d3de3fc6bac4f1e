"""Renders the evidence as one HTML file with its pictures inside."""

import base64
import io
from pathlib import Path
from statistics import fmean
from typing import Any

import jinja2

from scripts import CHANNELS
from scripts.reports.evidence import Evidence, content_type

_SPEED = ("input_share", "compute_share", "communication_share", "images_per_second_per_worker")
_TEMPLATE = Path(__file__).with_name("page.html.j2")
_CURVES = (
    ("Loss", "loss", "validation_loss"),
    ("Accuracy", "accuracy", "validation_accuracy"),
)
CURVES = frozenset(name for _, *names in _CURVES for name in names)
"""What each entry of a history has, beside its `epoch`."""


def render(evidence: Evidence) -> str:
    """The whole page; jinja2.UndefinedError where the evidence lacks a value that it shows."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["data_uri"] = _data_uri
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        evidence=evidence,
        dataset=evidence.dataset,
        title=_title(evidence),
        channels=CHANNELS,
        curves=_learning_curves(evidence.history) if evidence.history else "",
        speed=_speed(evidence.history),
        first_start=min((step.started for step in evidence.steps if step.started), default=None),
        whole=sum(step.seconds for step in evidence.steps),
    )


def _title(evidence: Evidence) -> str:
    if evidence.answers:
        return "From a drop of images to a served model"
    if evidence.status == "Succeeded":
        return "From a drop of images to a registered model"
    if evidence.ended.is_verdict:
        return "A run that rejected its model"
    ended = {"Failed": "failed", "Stopped": "was stopped"}.get(evidence.status, "goes on")
    return f"A run that {ended}"


def _speed(history: list[dict[str, Any]]) -> dict[str, float]:
    """Means over epochs of where the time went, and of images a second; {} where unknown."""
    if not history or not all(name in entry for entry in history for name in _SPEED):
        return {}
    return {name: fmean(entry[name] for entry in history) for name in _SPEED}


def _data_uri(image: bytes) -> str:
    return f"data:{content_type(image)};base64,{base64.b64encode(image).decode('ascii')}"


def _learning_curves(history: list[dict[str, Any]]) -> str:
    """Loss and accuracy by epoch, training beside validation, as one SVG element."""
    # Takes seconds to import, also where a person asks for help alone.
    from matplotlib import rc_context  # noqa: PLC0415 - see above
    from matplotlib.figure import Figure  # noqa: PLC0415 - see above
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - see above

    figure = Figure(figsize=(9, 3), layout="constrained")
    epochs = [entry["epoch"] + 1 for entry in history]
    for axes, (title, training, validation) in zip(figure.subplots(1, 2), _CURVES, strict=True):
        axes.plot(epochs, [entry[training] for entry in history], label="train")
        axes.plot(epochs, [entry[validation] for entry in history], label="validation")
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    svg = io.StringIO()
    # The salt and the missing date keep the same history the same bytes.
    with rc_context({"svg.hashsalt": "shardwise"}):
        figure.savefig(svg, format="svg", metadata={"Date": None}, transparent=True)
    text = svg.getvalue()
    return text[text.index("<svg") :]
