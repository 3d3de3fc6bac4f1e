"""One channel of one host: its image files become files of records.

Some files at a time are read, checked, decoded, encoded and framed, so that threads meet seldom.
What they hold at a time stays within a budget of memory.
"""

import hashlib
import logging
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from threading import Condition

from preprocessing import MAXIMUM_BYTES, UnusableImage, decoding_bytes, too_many_bytes
from preprocessing.isolated import IsolatedDecoder
from preprocessing.unusable import DecoderFault
from processing.common.container import Channel, UserError, quoted
from processing.common.parallel import ordered_map
from processing.shards.encoding import squared_error
from processing.shards.fairness import fairness, of_files
from processing.shards.report import Quarantine, Quarantined, Shard
from processing.shards.settings import Settings
from processing.shards.source_files import SourceFile, SourceFiles
from records.files import RecordFiles
from records.writer import image_record


class Memory:
    """A budget of bytes, given out in the order in which it is asked for.

    Who asks for more than all of it gets all of it, and so runs alone.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._queue: deque[object] = deque()
        self._changed = Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Waits until `size` bytes are free, and holds them within a block."""
        wanted, ticket = min(size, self._size), object()
        with self._changed:
            self._queue.append(ticket)
            self._changed.wait_for(lambda: self._queue[0] is ticket and self._free >= wanted)
            self._queue.popleft()
            self._free -= wanted
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


FILES_PER_CHUNK = 16
# The first files of a channel are a fair sample of it, as it is in the order of a hash.
COMPARED_FILES = 64

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chunk:
    """Files in the order of their records.

    Attributes:
        first: the number of the first file in its channel.
        size: bytes of the files and of their records.
        contents: of the files, once they are read; b"" for one that is too large to be held.
    """

    first: int
    files: tuple[SourceFile, ...]
    size: int
    contents: tuple[bytes, ...] = ()


@dataclass
class Records:
    """What a chunk becomes.

    Attributes:
        framed: each record as it lies in a file, in parts, and its label.
        squared_errors: of the records that were compared with their pixels.
    """

    framed: list[tuple[list[bytes | memoryview], int]] = field(default_factory=list)
    squared_errors: list[float] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)

    def put_aside(self, file: SourceFile, unusable: UnusableImage) -> None:
        """Adds a file that gives no record."""
        self.quarantined.append(Quarantined(file.entry, str(unusable), unusable.kind))


def chunks(files: Iterable[SourceFile], record_bytes: int, largest: int) -> Iterator[Chunk]:
    """Chunks of no more than `largest` bytes, or of one file that is larger."""
    waiting: list[SourceFile] = []
    first = total = 0
    for file in files:
        more = file.size + record_bytes
        if waiting and (total + more > largest or len(waiting) == FILES_PER_CHUNK):
            yield Chunk(first, tuple(waiting), total)
            first += len(waiting)
            waiting, total = [], 0
        waiting.append(file)
        total += more
    if waiting:
        yield Chunk(first, tuple(waiting), total)


def read(chunk: Chunk, folder: Path) -> Chunk:
    """The chunk with its files' contents.

    Raises:
        UserError: one is not what the manifests were written for.
    """
    return replace(chunk, contents=tuple(_read(folder, file) for file in chunk.files))


def _read(folder: Path, file: SourceFile) -> bytes:
    with (folder / file.entry).open("rb") as opened:
        if file.size > MAXIMUM_BYTES:
            content, digest = b"", hashlib.file_digest(opened, "sha256").digest()
        else:
            # One byte more shows a file that has grown, whatever it has grown to.
            content = opened.read(file.size + 1)
            digest = hashlib.sha256(content).digest()
    if digest != file.sha256:
        raise UserError(
            f"{quoted(file.entry)} has changed since the manifests were written (its SHA-256 is "
            "not that of the lineage): start the pipeline again, which lists the drops anew."
        )
    return content


def records(
    chunk: Chunk, settings: Settings, decoder: IsolatedDecoder, decoding: Memory
) -> Records:
    """Decodes each image to pixels and encodes these; `decoding` bounds what decoders hold.

    DecoderFault, with the file's name, where the decoder raises what is no reason against a file.
    """
    result, encoding = Records(), settings.encoding
    needed = max(decoding_bytes(content, settings.image_size) for content in chunk.contents)
    with decoding.held(needed):
        pictures = decoder.decode_all(chunk.contents, settings.image_size)
    for number, (file, pixels) in enumerate(zip(chunk.files, pictures, strict=True), chunk.first):
        if file.size > MAXIMUM_BYTES:
            result.put_aside(file, too_many_bytes(file.size))
        elif isinstance(pixels, UnusableImage):
            result.put_aside(file, pixels)
        elif isinstance(pixels, DecoderFault):
            logger.error("%s: %s", quoted(file.entry), pixels)
            words = str(pixels).strip().splitlines()[-1]
            raise DecoderFault(f"{quoted(file.entry)} met a fault of the program: {words}")
        else:
            image = encoding.encode(pixels)
            result.framed.append((image_record(image, file.label, file.entry), file.label))
            if encoding.is_lossy and isinstance(image, bytes) and number < COMPARED_FILES:
                result.squared_errors.append(squared_error(pixels, image))
    return result


# Files are read by these while others are decoded.
READERS = 4
THREADS_PER_DECODER = 2
PROGRESS_FILES = 5_000


@dataclass(frozen=True)
class Sharding:
    """How a host makes files of records."""

    settings: Settings
    decoder: IsolatedDecoder
    quarantine: Quarantine

    def write(
        self, channel: Channel, folder: Path, files: SourceFiles, written: RecordFiles
    ) -> Shard:
        """Writes records of the channel's files in `folder`, and what gives none to the quarantine.

        Raises:
            UserError: a file is not what the manifests were written for.
        """
        errors: list[float] = []
        done = 0
        with written:
            for chunk in self._records(folder, files):
                for parts, label in chunk.framed:
                    written.append(parts, label)
                for aside in chunk.quarantined:
                    self.quarantine.append(channel, aside)
                errors += chunk.squared_errors
                done = _log(channel, done, chunk, files.count)
        logger.info("%s: %d records in %d files.", channel, written.records, len(written.indexes))
        return Shard(
            written.records,
            written.bytes,
            len(written.indexes),
            errors,
            of_files(written.indexes, len(files.here)),
            fairness(files.everywhere, [files.here], [files.count]),
        )

    def _records(self, folder: Path, files: SourceFiles) -> Iterator[Records]:
        # While a thread encodes and frames its records, another's files are decoded. The memory is
        # for files read ahead, for records, for what is on its way to and from the decoders, and
        # for these.
        settings, cores = self.settings, self.decoder.workers
        share = (settings.memory_megabytes << 20) // 5
        decoding = Memory(2 * share)
        planned = chunks(
            files.in_order(settings.seed), settings.image_size**2 * 3, share // (2 * cores)
        )
        weight = attrgetter("size")
        contents = ordered_map(partial(read, folder=folder), planned, READERS, weight, share)
        return ordered_map(
            lambda chunk: records(chunk, settings, self.decoder, decoding),
            contents,
            THREADS_PER_DECODER * cores,
            weight,
            share,
        )


def _log(channel: Channel, done: int, chunk: Records, files: int) -> int:
    now = done + len(chunk.framed) + len(chunk.quarantined)
    if now // PROGRESS_FILES > done // PROGRESS_FILES:
        logger.info("%s: %d of %d files.", channel, now, files)
    return now
