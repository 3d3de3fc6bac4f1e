"""Stages the objects of a generated bucket after an earlier run; prints the peak memory in KiB."""

import json
import sys
from pathlib import Path

import numpy as np

from drops.s3_uri import S3Uri
from processing.manifests.earlier import Earlier, EarlierRun
from processing.manifests.outputs import Names, ObjectsWriter
from processing.manifests.s3 import s3_client
from processing.manifests.settings import Settings
from processing.manifests.stage_objects import stage_objects
from processing.manifests.staging import StagedObjects, StagedWriter

folder = Path(sys.argv[1])
settings = Settings(S3Uri("b", "drops/"), S3Uri("a", "l/"), "e2", "d0", 0.1, 0.1, 1, 0.1, 7)
earlier = Earlier(())
for run in range(2):
    with StagedWriter(folder / "objects.arrow") as writer:
        staged = stage_objects(s3_client(), settings, earlier, folder, writer.append)
    names = Names(staged.class_labels, tuple(d.id for d in staged.drops), staged.class_labels, "e1")
    with ObjectsWriter(folder / f"{run}.parquet", names) as table:
        for batch in StagedObjects(folder / "objects.arrow").batches():
            table.append(batch, np.zeros(len(batch), np.uint8))
    included = {"included_drops": [{"id": d.id, "objects": d.objects} for d in staged.drops]}
    earlier = Earlier((EarlierRun("e1", folder / "0.parquet", folder, (), included),))
# Not ru_maxrss, which begins with that of the parent process.
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0])
changes = [staged.changes.objects[change] for change in ("added", "changed")]
print(json.dumps({"peak": peak, "rows": staged.objects, "changes": changes}))
