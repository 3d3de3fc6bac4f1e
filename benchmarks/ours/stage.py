"""Writes a listing (Parquet) as CreateManifests stages it, and the names that it holds."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from processing.manifests.staging import STAGED_SCHEMA, StagedWriter

listing, staged = Path(sys.argv[1]), Path(sys.argv[2])
drops: dict[str, int] = {}
classes: dict[str, int] = {}
with StagedWriter(staged) as writer:
    for batch in pq.ParquetFile(listing).iter_batches(5_000):
        parts = [key.split("/") for key in batch["key"].to_pylist()]
        columns = [
            batch["key"],
            batch["version_id"],
            batch["size"],
            batch["sha256"].cast(pa.binary(32)),
            pa.array([drops.setdefault(part[1], len(drops)) for part in parts], pa.int32()),
            pa.array([classes.setdefault(part[2], len(classes)) for part in parts], pa.int32()),
        ]
        writer.append(pa.RecordBatch.from_arrays(columns, schema=STAGED_SCHEMA))
staged.with_suffix(".json").write_text(json.dumps([list(drops), list(classes)]))
