"""What is assumed on the command line in place of a measurement."""

from __future__ import annotations

from collections.abc import Iterable

from infra.assembly import Definition
from infra.costs import Prices, Rates, jobs_of
from scripts.console import CommandError


def with_assumed_gpus(
    rates: Rates, assumed: Iterable[str], definition: Definition, prices: Prices
) -> Rates:
    """Rates with the speeds of GPUs that were given, for the definition's network.

    Its size and the time beside its epochs are those that were measured on another processor.

    Args:
        assumed: `KIND=IMAGES/S` each.

    Raises:
        CommandError: it is no such text, or nothing is known of the network at all.
    """
    told = jobs_of(definition)["TrainModel"].told
    for text in assumed:
        kind, equals, speed = text.partition("=")
        kinds = sorted({each.gpu for each in prices.instances.values() if each.gpu})
        if not equals or kind not in kinds or not _is_positive(speed):
            raise CommandError(
                f"--assume-gpu {text} is no GPU's speed: write KIND=IMAGES/S with one of "
                f"{', '.join(kinds)}, e.g. T4=1500."
            )
        other = next((rate for rate in rates.training if rate.network == told["model"]), None)
        if other is None:
            raise CommandError(
                f"Nothing was measured of {told['model']}, not even its size: rehearse a run with "
                "it and name that with --from."
            )
        assumed_rate = other.model_copy(
            update={
                "processor": kind,
                "precision": told["precision"],
                "image_size": int(told["image_size"]),
                "seconds_per_image": 1 / float(speed),
                # A forward pass alone is about a third of a step.
                "validation_seconds_per_image": 1 / float(speed) / 3,
                "is_measured": False,
            }
        )
        rates = rates.model_copy(update={"training": (*rates.training, assumed_rate)})
    return rates


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False
