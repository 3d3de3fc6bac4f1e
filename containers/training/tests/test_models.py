"""Every network keeps the contract, and one of one's own needs a file only."""

import shutil
import subprocess
import sys

import jobs
import keras
import numpy as np
import pytest
import tensorflow as tf
from jobs import PACKAGE

from training import models
from training.common.container import UserError
from training.models import build_network, network_names, weights_file

CLASSES = 5
BACKBONES = {
    "mobilenet_v2_035": lambda: keras.applications.MobileNetV2(
        (64, 64, 3), alpha=0.35, include_top=False, weights=None
    ),
    "mobilenet_v3_small": lambda: keras.applications.MobileNetV3Small(
        (64, 64, 3), include_top=False, weights=None
    ),
    "efficientnet_v2_b0": lambda: keras.applications.EfficientNetV2B0(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    ),
}


@pytest.fixture(params=["float32", "mixed_float16", "mixed_bfloat16"])
def precision(request):
    keras.mixed_precision.set_dtype_policy(request.param)
    try:
        yield request.param
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


@pytest.fixture
def bring(tmp_path, monkeypatch):
    """Puts a file beside the networks: `bring(name, text)`."""
    monkeypatch.setattr(models, "__path__", [*models.__path__, str(tmp_path)])

    def write(name: str, text: str) -> str:
        (tmp_path / f"{name}.py").write_text(text)
        return name

    return write


def pictures(size: int, count: int = 4) -> np.ndarray:
    generator = np.random.default_rng(1)
    return generator.integers(0, 256, (count, size, size, 3)).astype(np.float32)


def step(model: keras.Model, images: np.ndarray) -> tf.Tensor:
    """One step of training, as fit.py makes it; gives the mean loss before it."""
    labels = np.arange(len(images)) % CLASSES
    optimiser = keras.optimizers.Adam(0.01)
    with tf.GradientTape() as tape:
        logits = model(images, training=True)
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimiser.apply(gradients, model.trainable_variables)
    return loss


@pytest.mark.parametrize("name", network_names())
def test_a_network_gives_float32_logits_and_one_step_moves_every_weight(name, precision):
    model = build_network(name, 32, CLASSES)
    images = pictures(32)
    before = [variable.numpy() for variable in model.trainable_variables]

    loss = step(model, images)
    logits = model(images, training=False)

    assert np.isfinite(loss)
    assert (logits.shape, logits.dtype) == ((4, CLASSES), tf.float32)
    assert np.isfinite(logits.numpy()).all()
    assert {variable.dtype for variable in model.trainable_variables} == {"float32"}
    moved = [
        (variable.numpy() != old).any()
        for variable, old in zip(model.trainable_variables, before, strict=True)
    ]
    # Few channels of few random pictures are all zero after a ReLU, and teach nothing then.
    assert np.mean(moved) > 0.9


@pytest.mark.parametrize("name", network_names())
@pytest.mark.parametrize("size", [45, 96])
def test_a_network_takes_images_of_other_sizes_too(name, size):
    model = build_network(name, size, CLASSES)

    assert model(pictures(size, 2)).shape == (2, CLASSES)


@pytest.mark.parametrize("name", network_names())
def test_a_network_called_without_a_word_of_training_does_not_train(name):
    model = build_network(name, 32, CLASSES)
    images = pictures(32)

    np.testing.assert_array_equal(model(images), model(images, training=False))


@pytest.mark.parametrize("name", sorted(BACKBONES))
@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
def test_weights_of_a_backbone_as_keras_applications_publishes_them_are_taken(
    name, suffix, tmp_path
):
    backbone = BACKBONES[name]()
    for variable in backbone.variables:
        variable.assign(np.random.default_rng(2).uniform(0.5, 1.5, variable.shape))
    file = tmp_path / f"backbone_notop{suffix}"
    backbone.save_weights(file) if suffix == ".weights.h5" else backbone.save(file)

    model = build_network(name, 64, CLASSES, weights_file(tmp_path))

    (taken,) = (layer for layer in model.layers if isinstance(layer, keras.Model))
    for have, want in zip(taken.get_weights(), backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(have, want)


def test_the_small_network_takes_the_weights_of_an_earlier_one(tmp_path):
    earlier = build_network("small_cnn", 32, CLASSES)
    earlier.save_weights(tmp_path / "earlier.weights.h5")

    model = build_network("small_cnn", 32, CLASSES, weights_file(tmp_path))

    np.testing.assert_array_equal(model(pictures(32)), earlier(pictures(32)))


@pytest.mark.parametrize("name", network_names())
def test_weights_of_another_network_are_refused_in_one_sentence(name, tmp_path):
    other = keras.Sequential([keras.Input([32, 32, 3]), keras.layers.Conv2D(7, 3)])
    other.save_weights(tmp_path / "other.weights.h5")

    with pytest.raises(UserError, match=r"^The weights in other\.weights\.h5 don't fit"):
        build_network(name, 32, CLASSES, weights_file(tmp_path))


@pytest.mark.parametrize("suffix", [".h5", ".weights.h5", ".keras"])
def test_a_file_that_holds_no_weights_is_refused_in_one_sentence(suffix, tmp_path):
    (tmp_path / f"weights{suffix}").write_bytes(b"no weights")

    with pytest.raises(UserError, match=r"^The weights in .* don't fit small_cnn"):
        build_network("small_cnn", 32, CLASSES, weights_file(tmp_path))


def test_a_job_without_the_channel_has_no_weights_file(tmp_path):
    assert weights_file(tmp_path / "weights") is None


@pytest.mark.parametrize(
    ("names", "held"),
    [([], "nothing"), (["a.h5", "b.keras"], r"a\.h5, b\.keras"), (["a.ckpt"], r"a\.ckpt")],
    ids=["none", "several", "of another kind"],
)
def test_a_channel_without_exactly_one_weights_file_is_refused(names, held, tmp_path):
    for name in names:
        (tmp_path / name).touch()

    with pytest.raises(UserError, match=f"must hold one file .* holds {held}:"):
        weights_file(tmp_path)


def test_an_unknown_network_is_refused_with_the_nearest_name():
    with pytest.raises(UserError, match=r"no network 'small_cn' .* nearest name is 'small_cnn'\.$"):
        build_network("small_cn", 32, CLASSES)


def test_the_names_are_known_without_tensorflow():
    program = (
        "import sys; from training.models import network_names; "
        "assert not {'tensorflow', 'keras'} & sys.modules.keys(); print(*network_names())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE, capture_output=True, text=True, check=True
    )

    assert shown.stdout.split() == network_names()
    assert {"small_cnn", *BACKBONES} <= set(network_names())


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", r"has no function `build`"),
        ("def build(size, classes, weights): return 'net'", r"gave str: return a keras\.Model"),
        (
            "def build(size, classes, weights): return keras.Sequential([Flatten()])",
            "has no input: begin it with keras.Input",
        ),
        (
            "def build(size, classes, weights):\n"
            "  return keras.Sequential([Input([28, 28, 1]), Flatten(), Dense(classes)])",
            r"takes float32 \[None, 28, 28, 1\]: make it take float32 images \[None, 32, 32, 3\]",
        ),
        (
            "def build(size, classes, weights):\n"
            "  return keras.Sequential([Input([size, size, 3], dtype='uint8'), Flatten(),"
            " Dense(classes)])",
            r"takes uint8 \[None, 32, 32, 3\]",
        ),
        (
            "def build(size, classes, weights):\n"
            "  return keras.Sequential([Input([size, size, 3]), Flatten(), Dense(classes + 1)])",
            r"gives \[None, 6\]: make it give one logit a class, \[None, 5\]",
        ),
        (
            "def build(size, classes, weights):\n"
            "  return keras.Sequential([Input([size, size, 3]), Flatten(),"
            " Dense(classes, dtype='mixed_float16')])",
            r'gives float16 logits: make its last layer with dtype="float32"',
        ),
        (
            "def build(size, classes, weights):\n"
            "  return keras.Sequential([Input([size, size, 3]), Flatten(),"
            " Dense(classes, activation='softmax')])",
            "gives probabilities: take the activation off",
        ),
    ],
    ids=["no build", "no model", "no input", "shape", "pixels", "classes", "float16", "softmax"],
)
def test_a_network_that_breaks_the_contract_is_refused_in_one_sentence(
    body, sentence, bring, request
):
    imports = "import keras\nfrom keras import Input\nfrom keras.layers import Dense, Flatten\n"
    # A module is imported once, so each case has a name of its own.
    name = bring("own_" + request.node.callspec.id.replace(" ", "_"), imports + body)

    with pytest.raises(UserError, match=sentence):
        build_network(name, 32, CLASSES)


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of this folder, from which jobs run."""
    folder = tmp_path / "copy"
    for part in ("training", "tests"):
        shutil.copytree(PACKAGE / part, folder / part)
    monkeypatch.setattr(jobs, "PACKAGE", folder)
    return folder


def test_a_network_of_ones_own_is_one_file_that_two_workers_train(tmp_path, copy):
    shutil.copy(copy / "tests" / "own_model" / "vision_transformer.py", copy / "training/models")
    settings = {"model": "vision_transformer", "epochs": "8", "workers_per_host": "2"}
    job = jobs.Job(tmp_path / "job", 1, [48], settings)
    job.prepare()

    assert job.run() == 0, job.log()

    summary = job.summary()
    losses = [epoch["loss"] for epoch in summary["history"]]
    assert losses[-1] < losses[0] / 2
    assert set(summary["weights"]) == {"0", "1"}
    assert len(set(summary["weights"].values())) == 1
