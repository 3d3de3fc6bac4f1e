"""Image files become pixels in processes of their own, which a file may crash or hold up.

Each engine has one for what is decoded in little memory and time. What is not goes on the side, one
image at a time, and comes back as pixels, so that the images beside it do not wait.
"""

import functools
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from inference.processing import preprocess
from inference.questions import Outcome, Pixels, Question
from inference.settings import MEGABYTE, Settings, read_settings
from preprocessing import UnusableImage, decoding_bytes
from preprocessing.isolated import TOO_LONG, IsolatedDecoder

# What takes more goes on the side; ordinary photographs take a tenth.
SMALL_BYTES = 32 * MEGABYTE
SMALL_SECONDS = 0.2
LARGE = "is large"
# What a decoder takes beside its picture: the interpreter, what it reads, how memory is handed out.
SLACK_BYTES = 512 * MEGABYTE
# Behind the engines: there is nobody in a hurry on the side.
NICENESS = 10


def decode_small(image: bytes, size: int) -> Pixels:
    """`preprocess` in an engine's process; raises UnusableImage of the kind LARGE, too."""
    if decoding_bytes(image, size) > SMALL_BYTES:
        raise UnusableImage(LARGE, LARGE)
    return preprocess(image, size)


def decode_large(image: bytes, size: int) -> Pixels:
    """`preprocess` on the side; raises UnusableImage above the limit of memory, too."""
    os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    needed, limit = decoding_bytes(image, size), _limit()
    if needed > limit:
        raise UnusableImage(
            f"has so many pixels that decoding it takes about {needed >> 20} MB of memory, above "
            f"the limit of {limit >> 20} MB",
            "has too many pixels",
        )
    return preprocess(image, size)


@functools.cache
def _limit() -> int:
    return read_settings().decoding_megabytes * MEGABYTE


def small_decoder(settings: Settings) -> IsolatedDecoder:
    """An engine's. It refuses with a kind of which `goes_on_the_side` is true, or for good."""
    return IsolatedDecoder(
        1,
        decoder=f"{__name__}:{decode_small.__name__}",
        cpu_seconds=min(SMALL_SECONDS, settings.decoding_seconds),
        memory_bytes=SMALL_BYTES + SLACK_BYTES,
    )


def goes_on_the_side(refusal: object) -> bool:
    """Whether an image was refused only by the small limits, so that the side may take it."""
    return isinstance(refusal, UnusableImage) and refusal.kind in (LARGE, TOO_LONG)


class Side:
    """Decodes what is large or slow, one image after the other.

    Args:
        put_back: called with a question and a place of it that now holds pixels.
        deliver: called with an outcome that is no pixels.
    """

    def __init__(
        self,
        settings: Settings,
        put_back: Callable[[tuple[Question, int]], None],
        deliver: Callable[[list[Outcome], int], None],
    ) -> None:
        self._seconds = settings.decoding_seconds
        self._put_back = put_back
        self._deliver = deliver
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="side")
        self.decoder = IsolatedDecoder(
            1,
            decoder=f"{__name__}:{decode_large.__name__}",
            cpu_seconds=self._seconds,
            wall_seconds=min(10 * self._seconds, settings.request_seconds),
            memory_bytes=settings.decoding_megabytes * MEGABYTE + SLACK_BYTES,
        )

    def submit(self, outcome: Outcome, image: bytes, size: int) -> None:
        """Has an image decoded to `size` x `size` pixels once those before it are."""
        self._thread.submit(self._decode, outcome, image, size)

    def close(self) -> None:
        """Drops what waits and ends the process."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        self.decoder.close()

    def _decode(self, outcome: Outcome, image: bytes, size: int) -> None:
        question, place = outcome.question, outcome.place
        if question.future.done():
            return self._deliver([outcome], 0)
        start = time.monotonic()
        try:
            if question.on_the_side > self._seconds:
                raise _spent(question.on_the_side, self._seconds)
            question.images[place] = self.decoder.decode(image, size)
        except Exception as error:  # noqa: BLE001 - the request is answered with it
            outcome.error = error
            return self._deliver([outcome], 0)
        finally:
            question.on_the_side += time.monotonic() - start
        return self._put_back((question, place))


def _spent(seconds: float, limit: float) -> UnusableImage:
    return UnusableImage(
        f"comes after large images of its request that took {seconds:.1f} s to decode, and "
        f"{limit:g} s is the limit: send fewer or smaller ones in a request",
        "comes after large images",
    )
