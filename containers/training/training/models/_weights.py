"""Loads a weights file into a network or a part of it."""

import warnings
from pathlib import Path
from zipfile import BadZipFile

import keras

from training.common.container import UserError

# Keras, h5py and zipfile say by any of these that the layers, their shapes or the format differ.
MISFITS = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, BadZipFile)


def load_weights(model: keras.Model, file: Path | None) -> None:
    """Loads `file`, where there is one.

    It is what `save_weights("x.weights.h5")` writes, a whole `.keras` model, or the older HDF5
    format that keras.applications publishes. https://keras.io/api/models/model_saving_apis/

    Raises:
        UserError: it can't be read or belongs to another network.
    """
    if file is None:
        return
    try:
        with warnings.catch_warnings():
            # One for every layer that doesn't fit, and after them all the error.
            warnings.simplefilter("ignore", UserWarning)
            model.load_weights(file)
    except MISFITS as error:
        why = " ".join(str(error).split()).removesuffix(".")
        raise UserError(
            f"The weights in {file.name} don't fit {model.name}: give the channel `weights` a file "
            f"saved from that very network ({why[:300]})."
        ) from error
