"""ShardImages: this host's image files become one TFRecord file a channel."""

import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from preprocessing.isolated import IsolatedDecoder
from processing.common.container import CHANNELS, OPT_ML, Channel, UserError, run
from processing.shards.report import Quarantine, ShardSize, write_report
from processing.shards.settings import Host, Settings, read_host, read_settings
from processing.shards.shard import Shard
from processing.shards.source_files import SourceFiles


def shard_images(arguments: Sequence[str], root: Path) -> None:
    """Writes a shard a channel, a list of files put aside and a report below
    `root`/processing/output.

    Shards appear there when all are whole, and not at all when too many files are put aside.
    """
    settings = read_settings(arguments)
    working = root / "processing" / "working"
    shutil.rmtree(working, ignore_errors=True)
    try:
        _shard(settings, read_host(root), root / "processing", working)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _shard(settings: Settings, host: Host, processing: Path, working: Path) -> None:
    started = time.monotonic()
    received, output = processing / "input", processing / "output"
    table = received / "lineage" / "objects.parquet"
    if not table.exists():
        raise UserError(
            f"The input lineage does not hold {table.name}: give the job the lineage that "
            "CreateManifests wrote in the same execution."
        )
    labels = _read_labels(received / "labels" / "labels.json")
    sizes: dict[Channel, ShardSize] = {}
    with (
        IsolatedDecoder(len(os.sched_getaffinity(0))) as decoder,
        Quarantine(output / "quarantine" / f"{host.name}.jsonl") as quarantine,
    ):
        for channel in CHANNELS:
            name = f"{channel}-{host.shard}{settings.suffix}"
            shard = Shard(channel, received / channel, working / channel / name)
            order = working / "order"
            files = SourceFiles(table, shard.folder, channel, labels, order)
            sizes[channel] = shard.write(files, settings, decoder, quarantine)
    seconds = time.monotonic() - started
    report = output / "report" / f"{host.name}.json"
    write_report(report, host.name, sizes, quarantine.reasons, seconds)
    files_in_all = quarantine.count + sum(size.records for size in sizes.values())
    quarantine.refuse_above(settings.maximum_quarantined_share, files_in_all, host.name)
    for channel in CHANNELS:
        (output / channel).mkdir(parents=True, exist_ok=True)
        for path in (working / channel).iterdir():
            # A move and no rename: each output may be a volume of its own.
            shutil.move(path, output / channel / path.name)


def _read_labels(path: Path) -> dict[str, int]:
    labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
    return {label: index for index, label in enumerate(labels)}


if __name__ == "__main__":
    sys.exit(run(shard_images, sys.argv[1:], OPT_ML))
