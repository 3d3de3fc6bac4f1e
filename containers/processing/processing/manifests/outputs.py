"""Writes manifests and lineage of the staged objects, once each has its channel."""

import logging
from dataclasses import dataclass
from pathlib import Path

from processing.manifests.assignment import Assigner, Assignment
from processing.manifests.manifest_files import ManifestWriter
from processing.manifests.objects_table import Names, ObjectsWriter
from processing.manifests.settings import S3Folder
from processing.manifests.staging import StagedObjects
from processing.manifests.tally import Tally

OBJECTS, MEMBERSHIP = "objects.parquet", "membership.parquet"
PROGRESS_ROWS = 1_000_000

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Folders:
    """Where the step writes: its two outputs, and what it deletes at its end."""

    manifests: Path
    lineage: Path
    working: Path


def write_outputs(
    staged: StagedObjects, assigner: Assigner, names: Names, drops: S3Folder, folders: Folders
) -> tuple[Assignment, Tally]:
    """Assigns channels and writes `<channel>.manifest`, `objects.parquet`, `membership.parquet`.

    Raises UserError when a class is too small for the channels.
    """
    assignment = assigner.assign(folders.lineage / MEMBERSHIP, folders.working)
    logger.info("Channels are assigned: %d different images.", assignment.contents)
    tally = Tally(len(names.class_labels), assignment.copies.rows())
    with (
        ManifestWriter(folders.manifests, drops) as manifests,
        ObjectsWriter(folders.lineage / OBJECTS, names) as objects,
    ):
        for batch in staged.batches():
            channels = assignment.channels[tally.rows : tally.rows + len(batch)]
            manifests.append(batch["key"], channels)
            objects.append(batch, channels)
            if (tally.rows + len(batch)) // PROGRESS_ROWS > tally.rows // PROGRESS_ROWS:
                logger.info("%d objects are written.", tally.rows + len(batch))
            tally.add(batch, channels)
    return assignment, tally
