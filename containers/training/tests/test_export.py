"""The exported SavedModel, as servers of any runtime read it."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from training.export import export
from training.models import build_network, network_names
from training.settings import Settings

SIZE = 32
LABELS = ["cat", "dog", "hen"]


@pytest.fixture
def mixed_precision():
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    yield
    keras.mixed_precision.set_dtype_policy("float32")


def graph(folder):
    """All nodes of the SavedModel, those of its functions too."""
    content = SavedModel.FromString((folder / "saved_model/saved_model.pb").read_bytes())
    graph = content.meta_graphs[0].graph_def
    return [*graph.node, *(node for each in graph.library.function for node in each.node_def)]


@pytest.mark.parametrize("name", network_names())
def test_a_network_trained_in_mixed_precision_is_exported_in_float32_and_without_variables(
    name, tmp_path, mixed_precision
):
    model = build_network(name, SIZE, len(LABELS))
    export(model, LABELS, Settings(image_size=SIZE, model=name), tmp_path)

    types = {node.attr["T"].type for node in graph(tmp_path) if "T" in node.attr}
    assert tf.bfloat16.as_datatype_enum not in types
    kinds = {node.op for node in graph(tmp_path)}
    assert "Conv2D" in kinds
    assert "ReadVariableOp" not in kinds
    images = np.random.default_rng(1).integers(0, 256, (4, SIZE, SIZE, 3)).astype(np.uint8)
    served = tf.saved_model.load(str(tmp_path / "saved_model")).signatures["serving_default"]
    expected = tf.nn.softmax(model(images.astype(np.float32), training=False))
    assert expected.dtype == tf.float32
    answers = served(images=tf.constant(images))["probabilities"]
    np.testing.assert_allclose(answers, expected, atol=1e-5)
