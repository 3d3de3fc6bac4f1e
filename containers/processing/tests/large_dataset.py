"""Writes the manifests and lineage of a run and of one after it; prints the peak memory in KiB."""

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa

from drops.s3_uri import S3Uri
from processing.manifests.assignment import Assigner
from processing.manifests.contents import Partitions
from processing.manifests.outputs import Folders, Names, write_outputs
from processing.manifests.split import Split
from processing.manifests.staging import BATCH_ROWS, STAGED_SCHEMA, StagedObjects, StagedWriter

rows, folder = int(sys.argv[1]), Path(sys.argv[2])
random = np.random.default_rng(0)
with StagedWriter(folder / "objects.arrow") as writer:
    for start in range(0, rows, BATCH_ROWS):
        numbers = range(start, min(start + BATCH_ROWS, rows))
        columns = [
            pa.array([f"drops/d1/{n * 50 // rows:02d}/{n:08d}.jpg" for n in numbers]),
            pa.array([f"{number:032d}" for number in numbers]),
            pa.array(numbers, pa.int64()),
            pa.array(np.frombuffer(random.bytes(32 * len(numbers)), "V32"), pa.binary(32)),
            pa.array(np.zeros(len(numbers), np.int32)),
            pa.array([number * 50 // rows for number in numbers], pa.int32()),
        ]
        writer.append(pa.RecordBatch.from_arrays(columns, schema=STAGED_SCHEMA))
labels = tuple(f"{number:02d}" for number in range(50))
staged = StagedObjects(folder / "objects.arrow")
folders = Folders(folder / "manifests", folder / "lineage", folder)
for earlier in ([], [folder / "lineage" / "membership.parquet"]):
    for path in earlier:
        path.rename(folder / "earlier.parquet")
    memberships = [folder / "earlier.parquet" for _ in earlier]
    partitions = Partitions(staged, rows, folder / "partitions")
    assigner = Assigner(partitions, rows, labels, memberships, Split(0.15, 0.15, 2, 7))
    names = Names(labels, ("d1",), labels, "e1")
    assignment, tally = write_outputs(staged, assigner, names, S3Uri("b", "drops/"), folders)
# Not ru_maxrss, which begins with that of the parent process.
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0])
print(json.dumps({"peak": peak, "contents": assignment.contents, "rows": tally.rows}))
