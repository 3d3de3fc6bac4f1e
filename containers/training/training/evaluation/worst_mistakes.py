"""`worst_mistakes.html`: one page with its images inside."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import jinja2
import numpy as np
import tensorflow as tf

from training.evaluation.mistakes import Mistake

_TEMPLATE = "worst_mistakes.html.j2"


def render(mistakes: Sequence[Mistake], names: Sequence[str], wrong: int, records: int) -> str:
    """The page; names from data stay text.

    Args:
        names: class labels by their encoding.
        wrong: how many of the `records` are mistakes.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data_uri"] = _data_uri
    template = environment.get_template(_TEMPLATE)
    return template.render(mistakes=mistakes, names=names, wrong=wrong, records=records)


def _data_uri(image: np.ndarray) -> str:
    png = tf.io.encode_png(image).numpy()
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"
