"""Fills a host's /opt/ml with photographs, labels and lineage, as SageMaker does."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from processing.manifests.outputs import OBJECTS_SCHEMA

photos, root = Path(sys.argv[1]), Path(sys.argv[2])
index, hosts = int(sys.argv[3]), int(sys.argv[4])
received = root / "processing" / "input"
rows = []
for path in sorted(photos.rglob("*.jpg")):
    entry = path.relative_to(photos).as_posix()
    content = path.read_bytes()
    rows.append(
        {
            "key": f"drops/{entry}",
            "version_id": "1",
            "size": len(content),
            "sha256": hashlib.sha256(content).digest(),
            "class_label": path.parent.name,
            "encoded_label": int(path.parent.name.removeprefix("class-")),
            "channel": "train",
            "drop_id": "photos",
            "execution_id": "execution",
        }
    )
for row in rows[index::hosts]:
    place = received / "train" / row["key"].removeprefix("drops/")
    place.parent.mkdir(parents=True, exist_ok=True)
    os.link(photos / row["key"].removeprefix("drops/"), place)
(received / "lineage").mkdir()
pq.write_table(pa.Table.from_pylist(rows, OBJECTS_SCHEMA), received / "lineage/objects.parquet")
(received / "labels").mkdir()
labels = {"schema": 1, "labels": [f"class-{number}" for number in range(10)]}
(received / "labels" / "labels.json").write_text(json.dumps(labels))
names = [f"algo-{number}" for number in range(1, hosts + 1)]
(root / "config").mkdir()
config = {"current_host": names[index], "hosts": names}
(root / "config" / "resourceconfig.json").write_text(json.dumps(config))
