"""CreateManifests: which object of which drop is in which channel, and under which label."""

import logging
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from processing.channels import Channel
from processing.container import OPT_ML, UserError, run
from processing.json_file import write_json
from processing.manifests.assignment import Split, assign_channels
from processing.manifests.dataset import describe_dataset
from processing.manifests.digests import digests
from processing.manifests.drop_files import DropFile
from processing.manifests.drops import list_drops
from processing.manifests.labels import encode_labels
from processing.manifests.lineage import ObjectRow, read_newest, write_tables
from processing.manifests.manifest_files import write_manifests
from processing.manifests.s3 import refusals_in_a_sentence, s3_client
from processing.manifests.settings import Settings, read_settings

logger = logging.getLogger(__name__)


def create_manifests(arguments: Sequence[str], root: Path) -> None:
    """Writes the manifests and the lineage below `root`/processing/output; reads S3."""
    settings = read_settings(arguments)
    with refusals_in_a_sentence():
        s3 = s3_client()
        drops = list_drops(s3, settings.drops, settings.drop_id)
        files = drops.files
        logger.info("%d files in %d complete drops.", len(files), len(drops.complete))
        earlier = read_newest(s3, settings.lineage)
        contents = digests(s3, settings.drops.bucket, files, earlier.digests)

    classes = _contents_by_class(files, contents)
    labels = encode_labels(earlier.labels, classes)
    channels = assign_channels(classes, earlier.channels, _split(settings))
    rows = _rows(files, contents, channels, labels, settings.execution_id)
    dataset = describe_dataset(settings, drops, earlier, rows, labels)

    output = root / "processing" / "output"
    write_manifests(output / "manifests", settings.drops, rows)
    write_tables(output / "lineage", rows, {**earlier.channels, **channels})
    for folder in (output / "manifests", output / "lineage"):
        write_json(folder / "labels.json", {"schema": 1, "labels": labels})
    write_json(output / "lineage" / "dataset.json", dataset)
    _log(dataset["counts"], dataset["warnings"])


def _contents_by_class(
    files: Sequence[DropFile], contents: Mapping[str, str]
) -> dict[str, set[str]]:
    classes: defaultdict[str, set[str]] = defaultdict(set)
    for file in files:
        classes[file.class_label].add(contents[file.stored.key])
    if len(classes) == 1:
        raise UserError(
            f'All images are of one class, "{next(iter(classes))}": drop images of at least one '
            "other class, in a class folder of its own."
        )
    return classes


def _split(settings: Settings) -> Split:
    return Split(
        validation_fraction=settings.validation_fraction,
        test_fraction=settings.test_fraction,
        minimum=settings.minimum_per_class_and_channel,
        seed=settings.seed,
    )


def _rows(
    files: Sequence[DropFile],
    contents: Mapping[str, str],
    channels: Mapping[str, Channel],
    labels: list[str],
    execution_id: str,
) -> list[ObjectRow]:
    encoded = {label: index for index, label in enumerate(labels)}
    return [
        ObjectRow(
            key=file.stored.key,
            version_id=file.stored.version_id,
            size=file.stored.size,
            sha256=contents[file.stored.key],
            class_label=file.class_label,
            encoded_label=encoded[file.class_label],
            channel=channels[contents[file.stored.key]],
            drop_id=file.drop_id,
            execution_id=execution_id,
        )
        for file in files
    ]


def _log(counts: Mapping[str, Mapping[str, int]], warnings: Sequence[str]) -> None:
    for warning in warnings:
        logger.warning("%s", warning)
    for label, by_channel in counts.items():
        shown = ", ".join(f"{channel} {count}" for channel, count in by_channel.items())
        logger.info('Class "%s": %s.', label, shown)


if __name__ == "__main__":
    sys.exit(run(create_manifests, sys.argv[1:], OPT_ML))
