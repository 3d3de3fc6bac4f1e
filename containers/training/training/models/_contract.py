"""What every network must keep, checked on the network itself before it trains."""

import keras

from training.common.container import UserError


def check_network(model: object, image_size: int, classes: int, file: str) -> None:
    """Checks input, output and their types of a network's file without computing anything.

    Raises:
        UserError: the network breaks the contract.
    """
    if not isinstance(model, keras.Model):
        raise UserError(f"`build` in {file} gave {type(model).__name__}: return a keras.Model.")
    images = keras.KerasTensor((None, image_size, image_size, 3), "float32")
    wanted = f"float32 images {list(images.shape)}"
    if isinstance(model, keras.Sequential) and not model.built:
        raise UserError(
            f"The network of {file} has no input: begin it with keras.Input for {wanted}."
        )
    given = getattr(model, "inputs", None) or [images]
    if len(given) != 1 or not _accepts(given[0], images):
        takes = ", ".join(f"{tensor.dtype} {list(tensor.shape)}" for tensor in given)
        raise UserError(f"The network of {file} takes {takes}: make it take {wanted}.")
    logits = model.compute_output_spec(images)
    _check_logits(model, logits, classes, file)


def _accepts(given: keras.KerasTensor, images: keras.KerasTensor) -> bool:
    """An open dimension of the network's input accepts any."""
    fits = (have in (None, want) for have, want in zip(given.shape, images.shape, strict=False))
    return len(given.shape) == len(images.shape) and given.dtype == images.dtype and all(fits)


def _check_logits(model: keras.Model, logits: object, classes: int, file: str) -> None:
    if not isinstance(logits, keras.KerasTensor) or tuple(logits.shape) != (None, classes):
        gives = list(logits.shape) if isinstance(logits, keras.KerasTensor) else logits
        raise UserError(
            f"The network of {file} gives {gives}: make it give one logit a class, "
            f"{[None, classes]}."
        )
    if logits.dtype != "float32":
        raise UserError(
            f"The network of {file} gives {logits.dtype} logits: make its last layer with "
            'dtype="float32", as a loss in lower precision overflows.'
        )
    last = model.layers[-1] if model.layers else None
    if getattr(last, "activation", None) in (keras.activations.softmax, keras.activations.sigmoid):
        raise UserError(
            f"The network of {file} gives probabilities: take the activation off its last layer, "
            "as the loss and the exported model want logits."
        )
