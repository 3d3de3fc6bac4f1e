"""The bounded queue between the event loop and the engines."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from inference.contents import Content
from inference.engine import Engine, Queue
from inference.metrics import Metrics
from inference.model import Model
from inference.questions import ImageError, Outcome, Question
from inference.refusal import Refusal, overloaded
from inference.settings import MEGABYTE, Settings
from inference.warming import best_batch_size

SWEEP_SECONDS = 0.25


class Batcher:
    """Lives on the event loop; its engines have threads of their own.

    metrics: told of the queue's depth and of the batches.
    """

    def __init__(self, settings: Settings, image_size: int, metrics: Metrics) -> None:
        self._settings = settings
        self._image_size = image_size
        self._metrics = metrics
        self._queue = Queue()
        self._large = ThreadPoolExecutor(1, thread_name_prefix="large")
        self._loop = asyncio.get_running_loop()
        self._questions: set[Question] = set()
        self._engines = 0
        self.depth = 0

    def start(self, model: Model) -> int:
        """Starts the engines, on any thread, and gives the batch size when they are warm."""
        settings = self._settings
        sessions = [model.session() for _ in range(settings.threads)]
        clock = time.process_time if model.runtime == "openvino" else time.perf_counter
        size = settings.batch_size or best_batch_size(sessions[0], self._image_size, clock)
        started = []
        for number, session in enumerate(sessions):
            engine = Engine(
                self._queue,
                session,
                self._image_size,
                size,
                settings.batch_wait_milliseconds / 1000,
                settings.decoding_megabytes * MEGABYTE,
                self._deliver,
                self._large,
            )
            started.append(engine.start(f"engine-{number}"))
        for warm in started:
            warm.result()
        self._engines = len(sessions)
        return size

    def close(self) -> None:
        for _ in range(self._engines):
            self._queue.places.put(None)
        self._large.shutdown(wait=False, cancel_futures=True)

    def check_room(self) -> None:
        """Raises Refusal 503 where the queue is full."""
        if self.depth >= self._settings.queue_length:
            raise overloaded(
                f"{self.depth} images wait already, and {self._settings.queue_length} is the "
                "limit: send it again later."
            )

    def expect(self, requests: int) -> None:
        """Says that so many more requests (less, where negative) are about to bring images."""
        self._queue.arriving += requests

    async def ask(self, images: list[Content], deadline: float) -> Question:
        """Gives the question with its answers.

        deadline: seconds of `time.monotonic`.
        Raises Refusal 503 where the queue is full or the deadline passes, and ImageError.
        """
        self.check_room()
        question = Question(images, self._loop.create_future(), time.monotonic(), deadline)
        self._questions.add(question)
        self.depth += len(images)
        self._metrics.depth(self.depth)
        for place in range(len(images)):
            self._queue.places.put((question, place))
        try:
            await question.future
        finally:
            self._questions.discard(question)
            # What nobody waits for any more is passed over, and takes nobody's room.
            self.depth -= question.remaining
        return question

    async def sweep(self) -> None:
        """Ends questions whose deadline has passed, for ever."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            now = time.monotonic()
            for question in [each for each in self._questions if now > each.deadline]:
                if not question.future.done():
                    question.future.set_exception(self._late())

    def _deliver(self, outcomes: list[Outcome], batch_size: int) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._settle, outcomes, batch_size)

    def _settle(self, outcomes: list[Outcome], batch_size: int) -> None:
        if batch_size:
            self._metrics.batch(batch_size)
        for outcome in outcomes:
            question = outcome.question
            self.depth -= question in self._questions
            question.answers[outcome.place] = outcome.answer
            question.remaining -= 1
            question.queue = max(question.queue, outcome.queue)
            question.decode = max(question.decode, outcome.decode)
            question.model = max(question.model, outcome.model)
            question.confidence += outcome.confidence
            if question.future.done():
                continue
            if outcome.error is not None:
                question.future.set_exception(ImageError(outcome.place, outcome.error))
            elif outcome.answer is None:
                question.future.set_exception(self._late())
            elif not question.remaining:
                question.future.set_result(None)

    def _late(self) -> Refusal:
        return overloaded(
            f"There was no answer within {self._settings.request_seconds:g} s: send it again later."
        )
