"""What each worker runs, top to bottom: models, its share of the test channel, answers, results."""

import json
import logging
from pathlib import Path

import horovod.tensorflow as hvd
import numpy as np
import tensorflow as tf

from training.common.container import OPT_ML
from training.data.channel import Worker, find_share
from training.evaluation.answers import Answers, WholeBatches, answer, join_answers
from training.evaluation.inputs import Folders, Models, read_models
from training.evaluation.metrics import confusion_matrix as count
from training.evaluation.predictor import all_classes
from training.evaluation.results import (
    confusion_table,
    draw_confusion_matrix,
    draw_reliability_diagram,
    evaluation,
    prediction_lines,
    render_worst_mistakes,
)

logger = logging.getLogger(__name__)


def work(root: Path = OPT_ML) -> None:
    """Evaluates the unpacked models below `root`; rank 0 writes the results.

    Raises:
        UserError: a model or the test channel can't be used.
    """
    folders = Folders(root)
    models = read_models(folders)
    hvd.init()
    prepare()
    share = read_test(folders, models.candidate.image_size)
    everyone = hvd.allgather_object(answer(share, models), name="answers")
    if hvd.rank() == 0:
        answers = join_answers([part for parts in everyone for part in parts])
        write(folders.evaluation, answers, models, share.image_size)
    # Nobody leaves before rank 0 has written: a host that ends early looks like a failure.
    hvd.allgather_object(None, name="end")


def prepare() -> None:
    """One worker a GPU, and one thread: more would sum in another order, to other last digits."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        tf.config.set_visible_devices(gpus[hvd.local_rank() % len(gpus)], "GPU")


def read_test(folders: Folders, image_size: int) -> WholeBatches:
    """This worker's share of the test channel.

    Raises:
        UserError: the test channel can't be used.
    """
    index = folders.input("index") / "test"
    share = find_share(folders.input("test"), index, image_size, Worker.of_horovod())
    return WholeBatches(**vars(share))


def write(folder: Path, answers: Answers, models: Models, image_size: int) -> None:
    """The six files of the output `evaluation`."""
    names = models.candidate.labels
    found = evaluation(answers, models, image_size)
    text = json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / "evaluation.json").write_text(text, encoding="utf-8")

    classes = all_classes(names, models.serving.model.labels if models.serving else ())
    lines = prediction_lines(answers, classes)
    (folder / "predictions.jsonl").write_text("".join(lines), encoding="utf-8")
    table = confusion_table(answers, classes)
    (folder / "confusion_matrix.csv").write_text(table, encoding="utf-8", newline="")

    matrix = count(answers.labels, answers.candidate.predicted, len(names))
    draw_confusion_matrix(matrix, names, folder / "confusion_matrix.png")

    bins = {"this model": found["calibration"]["bins"]}
    if found["serving"] is not None:
        bins["serving model"] = found["serving"]["calibration"]["bins"]
    draw_reliability_diagram(bins, folder / "reliability.png")

    wrong = int(np.count_nonzero(~answers.candidate.right(answers.labels)))
    page = render_worst_mistakes(answers.mistakes, names, wrong, len(answers.keys))
    (folder / "worst_mistakes.html").write_text(page, encoding="utf-8")
    logger.info("accuracy=%.5f on %d records", 1 - wrong / len(answers.keys), len(answers.keys))
