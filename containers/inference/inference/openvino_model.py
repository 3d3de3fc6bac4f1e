"""The SavedModel by OpenVINO, compiled for this machine's processor, in float32.

https://docs.openvino.ai/2026/openvino-workflow/running-inference/inference-devices-and-modes/cpu-device.html
"""

import openvino as ov

from inference.model import (
    INPUT,
    OUTPUT,
    Artifact,
    Images,
    Probabilities,
    Session,
    UnusableModelError,
    no_signature,
    other_input,
)


class OpenVinoModel:
    """Reads the SavedModel without TensorFlow, whose variables must be constants (frozen)."""

    runtime = "openvino"

    def __init__(self, artifact: Artifact, threads: int) -> None:
        """Reads and compiles the SavedModel.

        Raises:
            UnusableModelError: see `load_model`.
        """
        core = ov.Core()
        try:
            model = core.read_model(artifact.saved_model)
        except RuntimeError as error:
            raise UnusableModelError(
                f"{artifact.saved_model} is no SavedModel that OpenVINO {ov.__version__} reads "
                f"({_reason(error)}): train the model again, or "
                "serve it by TensorFlow (README, Start and end)."
            ) from error
        _check_signature(model, artifact)
        try:
            # A thread has a core: one image is computed on one, and several images side by side.
            # Other precisions than float32 would give other numbers than training's. Pinned
            # threads of two containers on one machine would take the same cores.
            self._compiled = core.compile_model(
                model,
                "CPU",
                {
                    "INFERENCE_PRECISION_HINT": "f32",
                    "NUM_STREAMS": threads,
                    "INFERENCE_NUM_THREADS": threads,
                    "ENABLE_CPU_PINNING": False,
                },
            )
        except RuntimeError as error:
            raise UnusableModelError(
                f"{artifact.saved_model} cannot be compiled by OpenVINO {ov.__version__} "
                f"({_reason(error)}): train the model again, or "
                "serve it by TensorFlow (README, Start and end)."
            ) from error
        self._output = next(i for i, o in enumerate(model.outputs) if OUTPUT in o.get_names())

    def session(self) -> Session:
        """A request of its own, for one thread."""
        request = self._compiled.create_infer_request()

        def probabilities(images: Images) -> Probabilities:
            request.infer([images], share_inputs=True)
            # A copy: the next call writes over the runtime's own memory.
            answer: Probabilities = request.get_output_tensor(self._output).data.copy()
            return answer

        return probabilities


def _check_signature(model: ov.Model, artifact: Artifact) -> None:
    names = {name for output in model.outputs for name in output.get_names()}
    if len(model.inputs) != 1 or INPUT not in model.inputs[0].get_names() or OUTPUT not in names:
        raise no_signature(artifact)
    (images,) = model.inputs
    size = artifact.image_size
    fits = images.partial_shape.compatible(ov.PartialShape([-1, size, size, 3]))
    if images.element_type != ov.Type.u8 or not fits:
        raise other_input(artifact, f"{images.element_type.to_string()} {images.partial_shape}")


def _reason(error: RuntimeError) -> str:
    """The last line of OpenVINO's report; those before say where in its code it was written."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__
