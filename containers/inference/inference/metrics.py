"""What the requests of the last seconds were like, as one log line that metric filters read."""

import logging
from array import array
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inference.questions import Question

logger = logging.getLogger("inference.metrics")

STAGES = ("read", "decode", "queue", "model", "total")
# Beyond so many requests in a window the percentiles are those of the first ones.
MAXIMUM_SAMPLES = 20_000


@dataclass
class Window:
    """Sums since the last line; samples are seconds."""

    requests: int = 0
    answers: int = 0
    server_errors: int = 0
    images: int = 0
    confidence: float = 0.0
    depth: int = 0
    batches: int = 0
    batched: int = 0
    largest_batch: int = 0
    samples: "dict[str, array[float]]" = field(
        default_factory=lambda: {stage: array("d") for stage in STAGES}
    )

    def sample(self, stage: str, seconds: float) -> None:
        """Keeps what a stage took, up to MAXIMUM_SAMPLES."""
        samples = self.samples[stage]
        if len(samples) < MAXIMUM_SAMPLES:
            samples.append(seconds)


class Metrics:
    """Counts on the event loop's thread; `write` begins anew.

    Args:
        seconds: between two calls of `write`.
        model_package_arn: by it the answers of a new model are told from those of the one before,
            which log into the same group.
    """

    def __init__(self, seconds: float, model_package_arn: str | None = None) -> None:
        self.seconds = seconds
        self.model_package_arn = model_package_arn
        self._window = Window()

    def batch(self, images: int) -> None:
        """The model was asked about so many images at once."""
        window = self._window
        window.batches += 1
        window.batched += images
        window.largest_batch = max(window.largest_batch, images)

    def depth(self, images: int) -> None:
        """So many images are in the queue or at the model."""
        self._window.depth = max(self._window.depth, images)

    def answered(self, question: Question, read: float) -> None:
        """Counts a request that was answered; receiving its body took `read` seconds."""
        window = self._window
        window.images += len(question.images)
        window.confidence += question.confidence
        window.sample("read", read)
        window.sample("decode", question.decode)
        window.sample("queue", question.queue)
        window.sample("model", question.model)

    def request(self, status: int, seconds: float) -> None:
        """Counts a request by its status, and what it took in seconds."""
        window = self._window
        window.requests += 1
        window.answers += status == 200
        window.server_errors += status >= 500
        window.sample("total", seconds)

    def write(self) -> None:
        """Logs the window, unless there was no request in it."""
        window, self._window = self._window, Window()
        if window.requests:
            facts = {"seconds": self.seconds, "model_package_arn": self.model_package_arn}
            logger.info("metrics", extra={**facts, **_facts(window)})


def _facts(window: Window) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "requests": window.requests,
        "answers": window.answers,
        "server_errors": window.server_errors,
        "queue_depth_max": window.depth,
        "milliseconds": {
            stage: _percentiles(samples) for stage, samples in window.samples.items() if samples
        },
    }
    # Left out where there is none: a metric filter takes no null.
    if window.images:
        facts["mean_confidence"] = round(window.confidence / window.images, 6)
    if window.batches:
        facts["batch_size_mean"] = round(window.batched / window.batches, 3)
        facts["batch_size_max"] = window.largest_batch
    return facts


def _percentiles(seconds: "array[float]") -> dict[str, float]:
    p50, p99 = np.percentile(np.frombuffer(seconds), (50, 99)) * 1000
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}
