"""Some files at a time: read, checked, decoded and framed, so that threads meet seldom."""

import gzip
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from preprocessing import UnusableImage, decode, decoding_bytes
from processing.container import UserError
from processing.shards.memory import Memory
from processing.shards.source_files import SourceFile
from processing.shards.tfrecord import record

FILES_PER_CHUNK = 16
# Pixels of photographs hardly shrink further at a higher level, which takes several times as long.
GZIP_LEVEL = 1


@dataclass(frozen=True)
class Chunk:
    """Files in the order of their records; `bytes` of the files and of their records."""

    files: tuple[SourceFile, ...]
    bytes: int


@dataclass(frozen=True)
class ReadChunk:
    """A chunk with its files' contents."""

    files: tuple[SourceFile, ...]
    contents: tuple[bytes, ...]
    bytes: int


@dataclass(frozen=True)
class Quarantined:
    """A file that gives no record. reason: a clause; kind: what such reasons are counted by."""

    entry: str
    reason: str
    kind: str


@dataclass
class Records:
    """What a chunk becomes: `data` as it lies in the shard, in parts, and how many records."""

    data: list[bytes | memoryview] = field(default_factory=list)
    count: int = 0
    quarantined: list[Quarantined] = field(default_factory=list)


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


def read(chunk: Chunk, folder: Path) -> ReadChunk:
    """Reads the files; UserError when one is not what the manifests were written for."""
    contents = tuple(_read(folder, file) for file in chunk.files)
    return ReadChunk(chunk.files, contents, chunk.bytes)


def _read(folder: Path, file: SourceFile) -> bytes:
    content = (folder / file.entry).read_bytes()
    if len(content) != file.size or hashlib.sha256(content).digest() != file.sha256:
        raise UserError(
            f'"{file.entry}" has changed since the manifests were written (its SHA-256 is not that '
            "of the lineage): start the pipeline again, which lists the drops anew."
        )
    return content


def records(chunk: ReadChunk, size: int, compress: bool, decoding: Memory) -> Records:
    """Decodes each image to size x size pixels; `decoding` bounds what decoders hold at a time."""
    result = Records()
    for file, content in zip(chunk.files, chunk.contents, strict=True):
        try:
            with decoding.held(decoding_bytes(content, size)):
                pixels = decode(content, size)
        except UnusableImage as unusable:
            result.quarantined.append(Quarantined(file.entry, str(unusable), unusable.kind))
        else:
            result.data += record(pixels, file.label, file.entry)
            result.count += 1
    if compress and result.data:
        # Members of a gzip file follow one another; each chunk has its own, so that all cores
        # compress.
        result.data = [gzip.compress(b"".join(result.data), GZIP_LEVEL, mtime=0)]
    return result
