"""The data sets that a rehearsal can bring itself, and the settings that suit each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from scripts.commands.cifar10 import write_cifar10
from scripts.commands.digits import write_digits


@dataclass(frozen=True)
class DataSet:
    """Images of classes.

    Attributes:
        title: what they show, in the plural.
        write: writes them into a folder of class folders, and returns how many.
        context: CDK context, where dev's settings don't suit them.
    """

    title: str
    write: Callable[[Path], int]
    context: Mapping[str, str] = field(default_factory=dict)


DEFAULT = "digits"
DATA_SETS = {
    DEFAULT: DataSet("handwritten digits", write_digits),
    # dev's small network reaches 0.59 of them after 15 epochs; guessing gives 0.10.
    "cifar10": DataSet(
        "photographs of CIFAR-10", write_cifar10, {"epochs": "15", "accuracy_threshold": "0.5"}
    ),
}
