"""The SavedModel by TensorFlow: on GPUs, and for networks that OpenVINO cannot read."""

from typing import Any

import tensorflow as tf

from inference.model import (
    INPUT,
    OUTPUT,
    SIGNATURE,
    Artifact,
    Images,
    Probabilities,
    Session,
    UnusableModelError,
    first_line,
    no_signature,
    other_input,
)


class TensorFlowModel:
    """Its sessions share one function, which any thread may call."""

    runtime = "tensorflow"

    def __init__(self, artifact: Artifact, threads: int) -> None:
        """Loads the SavedModel.

        Raises:
            UnusableModelError: see `load_model`.
        """
        _take_devices(threads)
        # The signature is a weak view of the loaded object: without it the variables would be gone.
        self._saved_model, self._signature = _load(artifact)

    def session(self) -> Session:
        """The one function, for any thread."""

        def probabilities(images: Images) -> Probabilities:
            answer: Probabilities = self._signature(**{INPUT: tf.constant(images)})[OUTPUT].numpy()
            return answer

        return probabilities


def _take_devices(threads: int) -> None:
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        # As it is needed, as other workers use the same.
        tf.config.experimental.set_memory_growth(gpu, True)
    if not gpus:
        # As in OpenVINO: one image on one core, several images side by side.
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def _load(artifact: Artifact) -> tuple[Any, Any]:
    try:
        saved_model = tf.saved_model.load(str(artifact.saved_model))
    except Exception as error:  # no narrower class is documented for a damaged file
        raise UnusableModelError(
            f"{artifact.saved_model} is no SavedModel that TensorFlow {tf.__version__} loads "
            f"({first_line(error)}): train the model again."
        ) from error
    signature = saved_model.signatures.get(SIGNATURE)
    inputs = {} if signature is None else signature.structured_input_signature[1]
    if signature is None or set(inputs) != {INPUT} or OUTPUT not in signature.structured_outputs:
        raise no_signature(artifact)
    declared = inputs[INPUT]
    wanted = (1, artifact.image_size, artifact.image_size, 3)
    # TensorFlow itself lets other shapes pass.
    if declared.dtype != tf.uint8 or not declared.shape.is_compatible_with(wanted):
        raise other_input(artifact, f"{declared.dtype.name} {declared.shape}")
    return saved_model, signature
