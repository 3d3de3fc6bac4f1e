"""CreateManifests: which object of which drop is in which channel, and under which label.

Objects are listed to local disk, then assigned and written in streams: memory does not grow with
their number.
"""

import logging
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from processing.common.aws import refusals_in_a_sentence
from processing.common.container import OPT_ML, run, write_json
from processing.manifests.assignment import Assigner
from processing.manifests.contents import Partitions
from processing.manifests.dataset import Dataset, encode_labels
from processing.manifests.earlier import Earlier, read_earlier
from processing.manifests.membership import count_members
from processing.manifests.outputs import Folders, Names, write_outputs
from processing.manifests.s3 import S3Client, s3_client
from processing.manifests.settings import Settings, read_settings
from processing.manifests.split import SmallClassesError, Split
from processing.manifests.stage_objects import Staged, stage_objects
from processing.manifests.staging import StagedObjects, StagedWriter
from processing.manifests.usable import judged, leave_out, leave_out_small

logger = logging.getLogger(__name__)


def create_manifests(arguments: Sequence[str], root: Path) -> None:
    """Writes the manifests and the lineage below `root`/processing/output; reads S3."""
    settings = read_settings(arguments)
    output = root / "processing" / "output"
    working = root / "processing" / "working"
    folders = Folders(output / "manifests", output / "lineage", working)
    try:
        _create(settings, folders)
    finally:
        shutil.rmtree(working, ignore_errors=True)


def _create(settings: Settings, folders: Folders) -> None:
    objects = folders.working / "objects.arrow"
    with refusals_in_a_sentence("S3"):
        s3 = s3_client()
        earlier = read_earlier(
            s3, settings.lineage, settings.execution_id, folders.working / "earlier"
        )
        staged = _stage(s3, settings, earlier, objects)
    while True:
        try:
            dataset = _write(settings, earlier, staged, folders)
        except SmallClassesError as small:
            logger.warning("%s", small)
            staged = judged(leave_out_small(objects, staged, earlier, small), settings)
        else:
            return _log(dataset)


def _write(
    settings: Settings, earlier: Earlier, staged: Staged, folders: Folders
) -> Mapping[str, Any]:
    rows = StagedObjects(folders.working / "objects.arrow")
    labels = encode_labels((run.labels for run in earlier.runs), staged.class_labels)
    drop_ids = tuple(drop.id for drop in staged.drops)
    names = Names(staged.class_labels, drop_ids, tuple(labels), settings.execution_id)
    assigner = Assigner(
        partitions=Partitions(
            rows,
            max(staged.objects, *(count_members(run.membership) for run in earlier.runs), 1),
            folders.working / "partitions",
        ),
        objects=staged.objects,
        class_labels=staged.class_labels,
        memberships=[run.membership for run in earlier.runs],
        split=Split(
            validation_fraction=settings.validation_fraction,
            test_fraction=settings.test_fraction,
            minimum=settings.minimum_per_class_and_channel,
            seed=settings.seed,
        ),
    )
    written = write_outputs(rows, assigner, names, settings.drops, folders)
    dataset = Dataset(settings, earlier, staged, names, *written).describe()
    for folder in (folders.manifests, folders.lineage):
        write_json(folder / "labels.json", {"schema": 1, "labels": labels})
    write_json(folders.lineage / "dataset.json", dataset)
    return dataset


def _stage(s3: S3Client, settings: Settings, earlier: Earlier, path: Path) -> Staged:
    with StagedWriter(path) as writer:
        staged = stage_objects(s3, settings, earlier, path.parent, writer.append)
    if staged.refused:
        staged = leave_out(
            path, staged, earlier, staged.refused, lambda rows: rows["sha256"].is_null()
        )
    staged = judged(staged, settings)
    logger.info("%d objects of %d complete drops.", staged.objects, len(staged.drops))
    return staged


def _log(dataset: Mapping[str, Any]) -> None:
    for warning in dataset["warnings"]:
        logger.warning("%s", warning)
    for label, by_channel in dataset["counts"].items():
        shown = ", ".join(f"{channel} {count}" for channel, count in by_channel.items())
        logger.info('Class "%s": %s.', label, shown)


if __name__ == "__main__":
    sys.exit(run(create_manifests, sys.argv[1:], OPT_ML))
