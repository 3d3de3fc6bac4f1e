"""What both models answer about each record of the test channel; the worst mistakes of all.

A worker reads whole batches, so that results are the same bits: a kernel may round a record
otherwise in another place of a batch. A batch here has the same records in the same places on any
number of workers; a worker without any has nothing to wait for, as evaluation reduces nothing on
its way.
"""

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import tensorflow as tf

from training.common.container import UserError
from training.data.batches import batches
from training.data.channel import Share
from training.data.order import Deal, Order, Rest
from training.evaluation.inputs import Model, Models
from training.evaluation.predictor import (
    Classes,
    Outcomes,
    Predictor,
    all_classes,
    check_finite,
    join,
)

BATCH_SIZE = 64


class OrderOfBatches(Order):
    """Rank r of n takes the batches r, r + n, r + 2n, ... of the files' order."""

    @property
    def steps(self) -> int:
        """How many batches this worker reads, not the same on every one."""
        layout = self._deal.layout
        return len(range(layout.rank, math.ceil(layout.count / self.batch_size), layout.workers[0]))

    def numbers(self, step: int, steps: int) -> np.ndarray:
        """See `Order`."""
        numbered = self._deal.layout.rank + self._deal.layout.workers[0] * np.arange(
            step, step + steps
        )
        places = numbered[:, None] * self.batch_size + np.arange(self.batch_size)
        return places[places < self._deal.layout.count]

    def fillers(self, count: int) -> np.ndarray:
        """See `Order`; the same on every worker."""
        return np.arange(count, dtype=np.int64) % self._deal.layout.count


@dataclass(frozen=True)
class WholeBatches(Share):
    """A share of whole batches; nothing is mixed."""

    def order(self, batch_size: int, *key: int, rest: Rest | None = None) -> Order:
        """See `OrderOfBatches`."""
        return OrderOfBatches(Deal(self.layout, key), batch_size, rest)


MOST = 50


@dataclass(frozen=True)
class Mistake:
    """A record whose class the model got wrong.

    Attributes:
        label: encoded, as is `predicted`.
        probability: of the predicted class.
        image: uint8 [size, size, 3].
    """

    key: str
    label: int
    predicted: int
    probability: float
    image: np.ndarray


def worst(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """Up to 50, the most certain first; which ones follows from the records alone."""
    return heapq.nsmallest(MOST, mistakes, key=lambda mistake: (-mistake.probability, mistake.key))


@dataclass(frozen=True)
class Answers:
    """One entry a record; of one batch, one worker or the whole channel.

    Attributes:
        keys: manifest entries.
        labels: int64 [n], encoded.
        serving: None where no model serves.
        mistakes: the worst ones of `candidate`.
    """

    keys: list[str]
    labels: np.ndarray
    candidate: Outcomes
    serving: Outcomes | None
    mistakes: list[Mistake]


def answer(share: WholeBatches, models: Models) -> list[Answers]:
    """A worker's part of the answers, batch by batch.

    Raises:
        UserError: a model does not load, answers with what is no probability, or lacks a class.
    """
    candidate = Predictor(models.candidate, share.image_size)
    serving = models.serving and Predictor(models.serving.model, share.image_size)
    classes = all_classes(models.candidate.labels, serving.model.labels if serving else ())
    parts: list[Answers] = []
    kept: list[Mistake] = []
    for images, labels, keys in _batches(share):
        _check(labels, models.candidate)
        asked = _ask(candidate, classes, images, labels, keys)
        served = _ask(serving, classes, images, labels, keys) if serving else None
        kept = worst([*kept, *_mistakes(images[: len(keys)].numpy(), labels, keys, asked)])
        parts.append(Answers(keys, labels, asked, served, []))
    if parts:
        parts[-1] = replace(parts[-1], mistakes=kept)
    return parts


def join_answers(parts: Sequence[Answers]) -> Answers:
    """In the order of keys, whoever answered."""
    keys = [key for part in parts for key in part.keys]
    order = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
    serving = [part.serving for part in parts if part.serving is not None]
    return Answers(
        keys=[keys[place] for place in order],
        labels=np.concatenate([part.labels for part in parts])[order],
        candidate=join([part.candidate for part in parts]).take(order),
        serving=join(serving).take(order) if serving else None,
        mistakes=worst(mistake for part in parts for mistake in part.mistakes),
    )


def _batches(share: WholeBatches) -> Iterator[tuple[tf.Tensor, np.ndarray, list[str]]]:
    """Images of a whole batch, and labels and keys of as many of them as are real."""
    for images, labels, weights, keys in batches(share, BATCH_SIZE):
        real = int(np.count_nonzero(weights.numpy()))
        names = [key.decode("utf-8", "replace") for key in keys.numpy()[:real]]
        yield images, labels.numpy()[:real], names


def _ask(
    predictor: Predictor,
    classes: Sequence[str],
    images: tf.Tensor,
    labels: np.ndarray,
    keys: list[str],
) -> Outcomes:
    # Whole batches, as another size of the batch may round otherwise.
    probabilities = predictor.probabilities(images)[: len(keys)]
    check_finite(probabilities, keys, predictor.model)
    return Classes(classes, predictor.model.labels).outcomes(probabilities, labels)


def _check(labels: np.ndarray, model: Model) -> None:
    highest, lowest = int(labels.max()), int(labels.min())
    if highest >= len(model.labels) or lowest < 0:
        wrong = highest if highest >= len(model.labels) else lowest
        raise UserError(
            f"The test channel has the encoded label {wrong}, and the model knows "
            f"{len(model.labels)} classes: both must come from one execution."
        )


def _mistakes(
    images: np.ndarray, labels: np.ndarray, keys: list[str], asked: Outcomes
) -> Iterator[Mistake]:
    for place in np.flatnonzero(~asked.right(labels)):
        yield Mistake(
            key=keys[place],
            label=int(labels[place]),
            predicted=int(asked.predicted[place]),
            probability=float(asked.probability[place]),
            image=images[place],
        )
