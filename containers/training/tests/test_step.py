"""One step of one worker, on networks that are not quite like ours."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from training import reduction, train
from training.common.container import UserError
from training.fit import Trainer
from training.settings import Settings


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """A single worker, which exchanges nothing."""
    monkeypatch.setattr(reduction.hvd, "size", lambda: 1)


def batch(labels: list[int]) -> tuple[tf.Tensor, ...]:
    generator = np.random.default_rng(1)
    images = generator.integers(0, 4, (len(labels), 2, 2, 3)).astype(np.uint8)
    return tf.constant(images), tf.constant(labels, tf.int64), tf.ones(len(labels))


def trainer(model: keras.Model, class_weights: list[float]) -> Trainer:
    optimiser = keras.optimizers.SGD(1.0)
    weights = np.array(class_weights, np.float32)
    return Trainer(model, optimiser, keras.layers.Identity(), class_weights=weights)


@pytest.mark.parametrize("labels", [[0, 0, 0, 0], [0, 1, 1, 1], [1, 1, 1, 1]])
def test_a_regulariser_is_as_strong_in_a_batch_of_rare_classes_as_in_any_other(labels):
    images = keras.Input([2, 2, 3])
    # No part of the logits: only its regulariser moves it.
    scale = keras.layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(0.05))
    logits = keras.layers.Dense(2)(keras.layers.Flatten()(images))
    model = keras.Model(images, logits + 0.0 * scale(keras.layers.Flatten()(images)))
    before = scale.kernel.numpy()

    trainer(model, [0.2, 5.0]).train(batch(labels))

    # SGD at rate 1 on 0.05 w²: w - 0.1 w.
    assert scale.kernel.numpy() == pytest.approx(0.9 * before, rel=1e-4)


def test_a_variable_that_the_loss_does_not_depend_on_is_named_and_left(caplog):
    images = keras.Input([2, 2, 3])

    class Idle(keras.layers.Layer):
        def build(self, shape):
            self.unused = self.add_weight(shape=(3,), name="unused", initializer="ones")

        def call(self, values):
            return values

    logits = keras.layers.Dense(2)(Idle(name="idle")(keras.layers.Flatten()(images)))
    model = keras.Model(images, logits)
    before = [each.numpy() for each in model.trainable_variables]

    trainer(model, [1.0, 1.0]).train(batch([0, 1]))

    after = [each.numpy() for each in model.trainable_variables]
    moved = [not np.array_equal(one, other) for one, other in zip(before, after, strict=True)]
    assert moved == [False, True, True]
    assert "The loss does not depend on idle/unused: " in caplog.text


def test_a_network_that_cannot_learn_at_all_is_refused():
    images = keras.Input([2, 2, 3])

    class Constant(keras.layers.Layer):
        def build(self, shape):
            self.add_weight(shape=(3,), name="unused")

        def call(self, values):
            return tf.stop_gradient(values)

    model = keras.Model(images, Constant()(keras.layers.Flatten()(images))[:, :2])
    with pytest.raises(UserError, match="depends on none of the network's 1 trainable variables"):
        trainer(model, [1.0, 1.0]).train(batch([0, 1]))


def test_an_embedding_learns():
    images = keras.Input([2, 2, 3])
    embedding = keras.layers.Embedding(5, 2)
    logits = keras.layers.GlobalAveragePooling1D()(embedding(keras.layers.Flatten()(images)))
    model = keras.Model(images, logits)
    embedding.build()
    before = embedding.embeddings.numpy()

    trainer(model, [1.0, 1.0]).train(batch([0, 1]))

    moved = np.any(embedding.embeddings.numpy() != before, axis=1)
    # Pixels are 0 to 3.
    assert moved.tolist() == [True, True, True, True, False]


@pytest.mark.parametrize(("gpus", "workers"), [(0, 1), (1, 4)])
def test_an_image_for_gpus_refuses_a_host_with_fewer_than_workers(monkeypatch, gpus, workers):
    monkeypatch.setattr(tf.test, "is_built_with_cuda", lambda: True)
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["GPU"] * gpus)
    monkeypatch.setattr(train.hvd, "local_size", lambda: workers)
    with pytest.raises(UserError, match=rf"the host has {gpus} for {workers} workers: give"):
        train.prepare(Settings())
