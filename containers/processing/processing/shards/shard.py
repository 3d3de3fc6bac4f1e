"""One channel of one host: its files become a shard."""

import logging
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import Path

from preprocessing.isolated import IsolatedDecoder
from processing.common.container import Channel
from processing.common.parallel import ordered_map
from processing.shards.chunks import Memory, Records, chunks, read, records
from processing.shards.report import Quarantine, ShardSize
from processing.shards.settings import Settings
from processing.shards.source_files import SourceFiles

# Files are read by these while others are decoded.
READERS = 4
THREADS_PER_DECODER = 2
PROGRESS_FILES = 5_000

logger = logging.getLogger(__name__)


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
        share = settings.memory_bytes // 5
        decoding = Memory(2 * share)
        compress = settings.compression == "gzip"
        planned = chunks(
            files.in_order(settings.seed), settings.image_size**2 * 3, share // (2 * cores)
        )
        weight = attrgetter("bytes")
        contents = ordered_map(partial(read, folder=self.folder), planned, READERS, weight, share)
        made = ordered_map(
            lambda chunk: records(chunk, settings.image_size, compress, decoder, decoding),
            contents,
            THREADS_PER_DECODER * cores,
            weight,
            share,
        )
        written = done = 0
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("wb") as file:
            for chunk in made:
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
