"""The bounded queue between the event loop and the engines."""

import asyncio
import time

from inference.decoding import Side, small_decoder
from inference.engine import Engine, Queue, best_batch_size, warm_decoder
from inference.metrics import Metrics
from inference.model import Model
from inference.questions import Content, ImageError, Outcome, Pixels, Question
from inference.request import Refusal
from inference.settings import Settings

SWEEP_SECONDS = 0.25
# Of a request's time: a model that takes so much of it for one batch is what is at fault.
MODEL_SHARE = 10


class Batcher:
    """Lives on the event loop; its engines have threads of their own."""

    def __init__(self, settings: Settings, image_size: int, metrics: Metrics) -> None:
        self._settings = settings
        self._image_size = image_size
        self._metrics = metrics
        self._queue = Queue()
        self._side = Side(settings, self._queue.places.put, self._deliver)
        self._decoders = [small_decoder(settings) for _ in range(settings.threads)]
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
        for number, (session, decoder) in enumerate(zip(sessions, self._decoders, strict=True)):
            engine = Engine(
                self._queue,
                session,
                self._image_size,
                size,
                settings.batch_wait_milliseconds / 1000,
                decoder,
                self._side,
                self._deliver,
            )
            started.append(engine.start(f"engine-{number}"))
        warm_decoder(self._side.decoder, self._image_size)
        for warm in started:
            warm.result()
        self._engines = len(sessions)
        return size

    def close(self) -> None:
        """Ends the engines after what is queued, and the decoders' processes."""
        for _ in range(self._engines):
            self._queue.places.put(None)
        self._side.close()
        for decoder in self._decoders:
            decoder.close()

    def pixels(self, file: bytes) -> Pixels:
        """Of an image file, uint8 [size, size, 3], by the way that large ones take; on any thread.

        Raises:
            UnusableImage: the file is at fault.
            DecoderFault: the program is.
        """
        return self._side.decoder.decode(file, self._image_size)

    def expect(self, requests: int) -> None:
        """Says that so many more requests (less, where negative) are about to bring images."""
        self._queue.arriving += requests

    async def ask(self, images: list[Content], deadline: float) -> Question:
        """Gives the question with its answers, by a deadline of `time.monotonic` in seconds.

        Raises:
            Refusal: 429 where the queue is full or the deadline passes, 503 where it passes while
                the model computes for long.
            ImageError: an image has no answer.
        """
        if self.depth >= self._settings.queue_length:
            raise Refusal(
                429,
                f"{self.depth} images wait already, and {self._settings.queue_length} is the "
                "limit: send it again later.",
            )
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
                    question.future.set_exception(self._late(question))

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
                question.future.set_exception(self._late(question))
            elif not question.remaining:
                question.future.set_result(None)

    def _late(self, question: Question) -> Refusal:
        seconds = self._settings.request_seconds
        sentence = f"There was no answer within {seconds:g} s"
        since = question.at_model
        if since and time.monotonic() - since > seconds / MODEL_SHARE:
            return Refusal(503, f"{sentence}, as the model is slow: send it again later.")
        return Refusal(
            429, f"{sentence}, as others wait, too: send it again later, or less at once."
        )
