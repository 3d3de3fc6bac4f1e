"""ShardImages: this host's image files become one TFRecord file a channel."""

import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from processing.channels import CHANNELS
from processing.container import OPT_ML, run
from processing.parallel import ordered_map
from processing.shards.host import read_host
from processing.shards.records import Quarantined, record_of
from processing.shards.report import Report
from processing.shards.settings import Settings, read_settings
from processing.shards.source_files import SourceFile, list_files, read_labels
from processing.shards.tfrecord_file import TFRecordFile

PROGRESS_EVERY = 5_000

logger = logging.getLogger(__name__)


def shard_images(arguments: Sequence[str], root: Path) -> None:
    """Writes a shard a channel and a report below `root`/processing/output."""
    started = time.monotonic()
    settings = read_settings(arguments)
    host = read_host(root)
    labels = read_labels(root)
    report = Report(host.name)
    output = root / "processing" / "output"
    for channel in CHANNELS:
        files = list_files(root, channel, settings.seed)
        logger.info("%s: %d files on %s.", channel, len(files), host.name)
        shard = output / channel / f"{channel}-{host.shard}"
        _write_shard(shard, files, labels, settings, report)
    report.write(output / "report" / f"{host.name}.json", time.monotonic() - started)
    report.refuse_above(settings.maximum_quarantined_share)


def _write_shard(
    path: Path,
    files: Sequence[SourceFile],
    labels: Mapping[str, int],
    settings: Settings,
    report: Report,
) -> None:
    # Pillow decodes without holding Python's lock, so threads use all cores.
    cores = len(os.sched_getaffinity(0))
    records = ordered_map(lambda file: record_of(file, labels, settings.image_size), files, cores)
    with TFRecordFile(path) as shard:
        for done, (file, record) in enumerate(zip(files, records, strict=True), start=1):
            if isinstance(record, Quarantined):
                logger.warning('Put aside: "%s" %s.', record.key, record.reason)
                report.quarantined.append(record)
            else:
                shard.append(record)
                report.written[file.channel].append(file.key)
            if done % PROGRESS_EVERY == 0:
                logger.info("%s: %d of %d files.", file.channel, done, len(files))


if __name__ == "__main__":
    sys.exit(run(shard_images, sys.argv[1:], OPT_ML))
