"""One channel of one host: its files become a shard.

Some files at a time are read, checked, decoded and framed, so that threads meet seldom. What they
hold at a time stays within a budget of memory.
"""

import gzip
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
from processing.shards.report import Quarantine, Quarantined, ShardSize
from processing.shards.settings import Settings
from processing.shards.source_files import SourceFile, SourceFiles
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
# Pixels of photographs hardly shrink further at a higher level, which takes several times as long.
GZIP_LEVEL = 1

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chunk:
    """Files in the order of their records.

    Attributes:
        size: bytes of the files and of their records.
        contents: of the files, once they are read; b"" for one that is too large to be held.
    """

    files: tuple[SourceFile, ...]
    size: int
    contents: tuple[bytes, ...] = ()


@dataclass
class Records:
    """What a chunk becomes: `data` as it lies in the shard, in parts, and how many records."""

    data: list[bytes | memoryview] = field(default_factory=list)
    count: int = 0
    quarantined: list[Quarantined] = field(default_factory=list)

    def put_aside(self, file: SourceFile, unusable: UnusableImage) -> None:
        """Adds a file that gives no record."""
        self.quarantined.append(Quarantined(file.entry, str(unusable), unusable.kind))


def chunks(files: Iterable[SourceFile], record_bytes: int, largest: int) -> Iterator[Chunk]:
    """Chunks of no more than `largest` bytes, or of one file that is larger."""
    waiting: list[SourceFile] = []
    total = 0
    for file in files:
        more = file.size + record_bytes
        if waiting and (total + more > largest or len(waiting) == FILES_PER_CHUNK):
            yield Chunk(tuple(waiting), total)
            waiting, total = [], 0
        waiting.append(file)
        total += more
    if waiting:
        yield Chunk(tuple(waiting), total)


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
    chunk: Chunk, size: int, compress: bool, decoder: IsolatedDecoder, decoding: Memory
) -> Records:
    """Decodes each image to size x size pixels; `decoding` bounds what decoders hold at a time.

    DecoderFault, with the file's name, where the decoder raises what is no reason against a file.
    """
    result = Records()
    needed = max(decoding_bytes(content, size) for content in chunk.contents)
    with decoding.held(needed):
        pictures = decoder.decode_all(chunk.contents, size)
    for file, pixels in zip(chunk.files, pictures, strict=True):
        if file.size > MAXIMUM_BYTES:
            result.put_aside(file, too_many_bytes(file.size))
        elif isinstance(pixels, UnusableImage):
            result.put_aside(file, pixels)
        elif isinstance(pixels, DecoderFault):
            logger.error("%s: %s", quoted(file.entry), pixels)
            words = str(pixels).strip().splitlines()[-1]
            raise DecoderFault(f"{quoted(file.entry)} met a fault of the program: {words}")
        else:
            parts = image_record(pixels, file.label, file.entry)
            # Members of a gzip file follow one another. Each record has its own, so that all cores
            # compress and the bytes do not tell how much was held at a time.
            result.data += (
                [gzip.compress(b"".join(parts), GZIP_LEVEL, mtime=0)] if compress else parts
            )
            result.count += 1
    return result


# Files are read by these while others are decoded.
READERS = 4
THREADS_PER_DECODER = 2
PROGRESS_FILES = 5_000


@dataclass(frozen=True)
class Shard:
    """What it is made from: the channel's files in `folder`, to be written to `path`."""

    channel: Channel
    folder: Path
    path: Path

    def write(
        self,
        files: SourceFiles,
        settings: Settings,
        decoder: IsolatedDecoder,
        quarantine: Quarantine,
    ) -> ShardSize:
        """Writes the shard, and what gives no record to `quarantine`."""
        # While a thread frames or compresses its records, another's files are decoded. The memory
        # is for files read ahead, for records, for what is on its way to and from the decoders, and
        # for these.
        cores = decoder.workers
        share = (settings.memory_megabytes << 20) // 5
        decoding = Memory(2 * share)
        compress = settings.compression == "gzip"
        planned = chunks(
            files.in_order(settings.seed), settings.image_size**2 * 3, share // (2 * cores)
        )
        weight = attrgetter("size")
        contents = ordered_map(partial(read, folder=self.folder), planned, READERS, weight, share)
        results = ordered_map(
            lambda chunk: records(chunk, settings.image_size, compress, decoder, decoding),
            contents,
            THREADS_PER_DECODER * cores,
            weight,
            share,
        )
        written = done = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("wb") as file:
            for chunk in results:
                file.writelines(chunk.data)
                for aside in chunk.quarantined:
                    quarantine.append(self.channel, aside)
                written += chunk.count
                done = self._log(done, chunk, files.count)
        logger.info("%s: %d records.", self.channel, written)
        return ShardSize(written, self.path.stat().st_size)

    def _log(self, done: int, chunk: Records, files: int) -> int:
        now = done + chunk.count + len(chunk.quarantined)
        if now // PROGRESS_FILES > done // PROGRESS_FILES:
            logger.info("%s: %d of %d files.", self.channel, now, files)
        return now
