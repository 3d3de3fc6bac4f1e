"""Programs in the training image's environment: steppers, records, waiting for input, a model.

A stepper sets up, says so, and takes as many steps as each line that it reads asks, so that
steppers can take turns. A line of output an order: `{"seconds": …}`, and what else the steps gave.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from benchmarks.harness.programs import main
from training.models import build_network
from training.settings import Settings

WARM_UP = 5
SIDE, CLASSES = 64, 10
NETWORK = "mobilenet_v2_035"
# The quickest of the package's networks at this size: a slower one would hide what a server costs.
SERVED_NETWORK, SERVED_SIDE = "mobilenet_v3_small", 224
SPREAD = 2.0  # standard deviation of a logit over photographs


def our_steps(batch: str) -> None:
    """Stepper: a worker of ours."""
    import horovod.tensorflow as hvd

    from training.fit import Trainer, broadcast
    from training.optimiser import make_optimiser

    hvd.init()
    keras.utils.set_random_seed(1)
    model = build_network(NETWORK, SIDE, CLASSES)
    trained = keras.Variable(0.0, trainable=False)
    settings = Settings(image_size=SIDE, model=NETWORK)
    optimiser = make_optimiser(settings, hvd.size(), trained)
    identity = keras.layers.Identity()
    trainer = Trainer(model, optimiser, identity, class_weights=np.ones(CLASSES, np.float32))
    broadcast([*model.weights, *optimiser.variables])
    given = *_images(batch), tf.ones(int(batch))
    _serve(lambda: {"communication": trainer.train(given).communication_seconds})


def unconnected_steps(batch: str) -> None:
    """Stepper: plain TensorFlow in one process, with nobody to wait for."""
    _serve_plain(batch, lambda gradients: gradients)


def untuned_steps(batch: str) -> None:
    """Stepper: Horovod as its examples use it, a message a tensor.

    Run with HOROVOD_CYCLE_TIME=1, Horovod's own default.
    """
    import horovod.tensorflow as hvd

    hvd.init()
    _serve_plain(batch, lambda gradients: hvd.grouped_allreduce(gradients, op=hvd.Average))


def mirrored_steps(batch: str) -> None:
    """Stepper: a worker of `MultiWorkerMirroredStrategy`, with TF_CONFIG set.

    As its tutorial sets it up:
    https://www.tensorflow.org/tutorials/distribute/multi_worker_with_ctl
    """
    options = tf.distribute.experimental.CommunicationOptions(
        implementation=tf.distribute.experimental.CommunicationImplementation.RING
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(communication_options=options)
    with strategy.scope():
        model, optimiser = _plain_model()
    images, truth = _images(batch)
    workers = strategy.num_replicas_in_sync

    def replica() -> tf.Tensor:
        with tf.GradientTape() as tape:
            part = _loss(model, images, truth) / workers
        optimiser.apply(tape.gradient(part, model.trainable_variables), model.trainable_variables)
        return part

    @tf.function
    def step() -> tf.Tensor:
        return strategy.reduce(tf.distribute.ReduceOp.SUM, strategy.run(replica), axis=None)

    _serve(lambda: {"loss": float(step())})


def allreduce_steps(size: str) -> None:
    """Stepper: one allreduce of so many bytes."""
    import horovod.tensorflow as hvd

    hvd.init()
    tensor = tf.ones([int(size) // 4])

    @tf.function
    def step() -> tf.Tensor:
        return hvd.allreduce(tensor, op=hvd.Sum, name="bytes")[0]

    _serve(lambda: {"sum": float(step())})


def _serve_plain(batch: str, reduce: Callable[[list[tf.Tensor]], list[tf.Tensor]]) -> None:
    model, optimiser = _plain_model()
    images, truth = _images(batch)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = _loss(model, images, truth)
        gradients = reduce(tape.gradient(loss, model.trainable_variables))
        optimiser.apply(gradients, model.trainable_variables)
        return loss

    _serve(lambda: {"loss": float(step())})


def _plain_model() -> tuple[keras.Model, keras.optimizers.Optimizer]:
    keras.utils.set_random_seed(1)
    model = build_network(NETWORK, SIDE, CLASSES)
    optimiser = keras.optimizers.Adam(1e-3)
    optimiser.build(model.trainable_variables)
    return model, optimiser


def _loss(model: keras.Model, images: tf.Tensor, truth: tf.Tensor) -> tf.Tensor:
    logits = model(tf.cast(images, tf.float32), training=True)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(truth, logits))


def _images(batch: str) -> tuple[tf.Tensor, tf.Tensor]:
    """uint8 [batch, SIDE, SIDE, 3] and labels int64 [batch]."""
    images = np.random.default_rng(1).integers(0, 256, (int(batch), SIDE, SIDE, 3), np.uint8)
    truth = np.random.default_rng(2).integers(0, CLASSES, int(batch), np.int64)
    return tf.constant(images), tf.constant(truth)


def _serve(step: Callable[[], dict[str, float]]) -> None:
    """Steps as orders come, and adds up the figures that a step gives."""
    for _ in range(WARM_UP):
        step()
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        figures: dict[str, float] = {}
        began = time.perf_counter()
        for _ in range(int(line)):
            for name, value in step().items():
                figures[name] = figures.get(name, 0.0) + value
        print(json.dumps({"seconds": time.perf_counter() - began, **figures}), flush=True)


def rendezvous(workers: str, port: str) -> None:
    """Holds our launcher's rendezvous while its input is open; prints what each worker is given."""
    from training.launch import rendezvous as held
    from training.launch.cluster import Addresses, Cluster
    from training.launch.launcher import variables

    cluster = Cluster(("127.0.0.1",), "127.0.0.1", "lo")
    addresses = Addresses("127.0.0.1", "127.0.0.1", "lo")
    places = held.slots(cluster, int(workers))
    with held.held_by_leader(cluster, places, int(port)):
        each = [variables(place, addresses, int(port)) for place in places]
        print(json.dumps(each), flush=True)
        sys.stdin.read()


def records(pictures: str, shards: str, side: str) -> None:
    """Writes records as ShardImages does, of a folder of pictures."""
    from PIL import Image

    from records.files import RecordFiles
    from records.writer import image_record

    files = sorted(Path(pictures).rglob("*.jpg"))
    names = sorted({file.parent.name for file in files})
    size = int(side), int(side)
    train, index = (Path(shards) / name for name in ("train", "index/train"))
    with RecordFiles(train, index, "train-00000-of-00001", 1 << 28) as written:
        for file in files:
            picture = Image.open(file).convert("RGB").resize(size, Image.Resampling.BOX)
            label = names.index(file.parent.name) % CLASSES
            written.append(image_record(np.asarray(picture), label, file.name), label)


def waiting(folder: str, side: str, network: str, batch: str, epochs: str) -> None:
    """A worker's own epochs on real records: prints the share of time it waits for its input."""
    import horovod.tensorflow as hvd

    from training.augmentation import make_augmentation
    from training.data.batches import training_batches
    from training.data.channel import find_share
    from training.fit import Trainer
    from training.optimiser import make_optimiser

    hvd.init()
    keras.utils.set_random_seed(1)
    size, images, passes = int(side), int(batch), int(epochs)
    settings = Settings(image_size=size, model=network, batch_size=images, epochs=passes)
    share = find_share(Path(folder) / "train", Path(folder) / "index" / "train", size)
    steps = share.order(images).steps * passes
    trainer = Trainer(
        build_network(network, size, CLASSES),
        make_optimiser(settings, 1, keras.Variable(0.0, trainable=False)),
        make_augmentation(1),
        class_weights=np.ones(CLASSES, np.float32),
    )
    waited = whole = 0.0
    stream = iter(training_batches(share, images, seed=1, epochs=passes))
    for step in range(steps):
        began = time.perf_counter()
        given = next(stream)
        there = time.perf_counter()
        trainer.train(given)
        if step >= WARM_UP:
            waited, whole = waited + there - began, whole + time.perf_counter() - began
    print(json.dumps({"share": waited / whole}))


def served_model(folder: str, shards: str) -> None:
    """Writes what training would: a model folder, of a network with random weights.

    Beside it `network.keras`, the same network as Keras itself loads it.
    """
    from training.data.channel import find_share
    from training.data.records import Reader
    from training.export import export, golden_images, write_golden

    keras.utils.set_random_seed(1)
    network = build_network(SERVED_NETWORK, SERVED_SIDE, CLASSES)
    share = find_share(Path(shards) / "train", Path(shards) / "index" / "train", SERVED_SIDE)
    with Reader(share.records) as reader:
        data = reader.read(range(share.records.count))
    features = [tf.train.Example.FromString(each).features.feature for each in data]
    raw = b"".join(each["image"].bytes_list.value[0] for each in features)
    _tell_apart(network, np.frombuffer(raw, np.uint8).reshape(-1, SERVED_SIDE, SERVED_SIDE, 3))
    place = Path(folder)
    place.mkdir(parents=True)
    labels = [f"class-{number}" for number in range(CLASSES)]
    export(network, labels, Settings(image_size=SERVED_SIDE, model=SERVED_NETWORK), place)
    write_golden(place, labels, golden_images(share, CLASSES), SERVED_SIDE)
    network.save(place / "network.keras")


def _tell_apart(network: keras.Model, pixels: np.ndarray) -> None:
    """Makes photographs get different answers: those of random weights are all but equal, and no
    check would see that two servers answer differently.
    """
    logits = network.predict(pixels.astype(np.float32), verbose=0)
    kernel, bias = network.layers[-1].get_weights()
    scale = SPREAD / logits.std(axis=0)
    network.layers[-1].set_weights([kernel * scale, (bias - logits.mean(axis=0)) * scale])


if __name__ == "__main__":
    main()
