"""The networks: a file `<name>.py` in this folder is the network `<name>`.

What such a file has to hold is in docs/bring-your-own-model.md. Nothing here imports TensorFlow
before a network is built, as the hyperparameters are checked before that.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from training.common.container import UserError

if TYPE_CHECKING:
    import keras

GUIDE = "docs/bring-your-own-model.md has the contract"


def network_names() -> list[str]:
    """The networks there are. A name that begins with `_` is a helper's."""
    modules = pkgutil.iter_modules(__path__)
    return sorted(module.name for module in modules if not module.name.startswith("_"))


def build_network(
    name: str, image_size: int, classes: int, weights: Path | None = None
) -> keras.Model:
    """Builds a network and checks that it keeps the contract.

    Args:
        name: one of `network_names()`.
        image_size: side of the square images, in pixels.
        weights: the weights file, as `training.models.weights_file` finds it.

    Returns:
        float32 [n, image_size, image_size, 3] of 0 to 255 to float32 logits [n, classes].

    Raises:
        UserError: there is no such network, its file breaks the contract, or the weights don't fit
            it.
    """
    known = network_names()
    if name not in known:
        nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)[0]
        raise UserError(
            f"There is no network {name!r} in training/models/; the nearest name is {nearest!r}."
        )
    module = importlib.import_module(f"{__name__}.{name}")
    build = getattr(module, "build", None)
    if not callable(build):
        raise UserError(f"{_file(module)} has no function `build`: {GUIDE}.")
    # Here, as it imports Keras.
    from training.models._contract import check_network  # noqa: PLC0415 - it imports Keras

    model = build(image_size, classes, weights)
    check_network(model, image_size, classes, _file(module))
    return model


def weights_file(channel: Path) -> Path | None:
    """The one weights file of the channel `weights`; None where the job has no such channel.

    Raises:
        UserError: the channel has none or several, or another kind of file.
    """
    if not channel.is_dir():
        return None
    files = sorted(file for file in channel.rglob("*") if file.is_file())
    found = [file for file in files if file.suffix in (".h5", ".keras")]
    if len(found) != 1:
        held = ", ".join(str(file.relative_to(channel)) for file in files[:5]) or "nothing"
        raise UserError(
            f"The channel `weights` must hold one file *.h5 or *.keras, but {channel} holds "
            f"{held}: leave one there, or leave the channel out."
        )
    return found[0]


def _file(module: ModuleType) -> str:
    return "training/models/" + Path(str(module.__file__)).name
