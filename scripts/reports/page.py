"""Renders the evidence as one HTML file with its pictures inside."""

from __future__ import annotations

import base64
from pathlib import Path
from statistics import fmean
from typing import Any

import jinja2

from scripts.channels import CHANNELS
from scripts.reports.charts import learning_curves
from scripts.reports.evidence import Evidence

_SPEED = ("input_share", "compute_share", "communication_share", "images_per_second_per_worker")
_TEMPLATE = Path(__file__).with_name("page.html.j2")


def render(evidence: Evidence) -> str:
    """The whole page.

    Raises:
        jinja2.UndefinedError: a value that the page shows is missing in the evidence.
    """
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
        curves=learning_curves(evidence.history) if evidence.history else "",
        speed=_speed(evidence.history),
        first_start=min((step.start for step in evidence.steps), default=None),
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
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"
