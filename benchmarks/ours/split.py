"""Split, manifests and table of a staged listing, as CreateManifests makes them."""

import json
import shutil
import sys
from pathlib import Path

from benchmarks.measured import measured
from drops.s3_uri import S3Uri
from processing.manifests.assignment import Assigner
from processing.manifests.contents import Partitions
from processing.manifests.outputs import Folders, Names, write_outputs
from processing.manifests.split import Split
from processing.manifests.staging import StagedObjects

path, rows, folder = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
drops, classes = json.loads(path.with_suffix(".json").read_text())
names = Names(tuple(classes), tuple(drops), tuple(sorted(classes)), "execution")
shutil.rmtree(folder, ignore_errors=True)
with measured() as facts:
    staged = StagedObjects(path)
    assigner = Assigner(
        partitions=Partitions(staged, rows, folder / "working" / "partitions"),
        objects=rows,
        class_labels=classes,
        memberships=[],
        split=Split(validation_fraction=0.15, test_fraction=0.15, minimum=2, seed=7),
    )
    folders = Folders(folder / "manifests", folder / "lineage", folder / "working")
    _, tally = write_outputs(staged, assigner, names, S3Uri("bucket", "drops/"), folders)
    facts["count"] = tally.rows
