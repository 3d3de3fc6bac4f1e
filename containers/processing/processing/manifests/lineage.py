"""The record of what each run was made of, and what it leaves to the next run.

A run writes `objects.parquet` (one row an object, sorted by key), `membership.parquet` (the channel
of every content ever assigned, sorted, so that one that was removed and comes back keeps it),
`labels.json` and `dataset.json` into `lineage/<execution id>/`.
"""

import io
import json
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import cast

import pyarrow as pa
import pyarrow.parquet as pq

from processing.channels import Channel
from processing.manifests.s3 import S3Client, StoredObject, current_objects, read_object
from processing.manifests.settings import S3Folder

OBJECTS, MEMBERSHIP, LABELS = "objects.parquet", "membership.parquet", "labels.json"

OBJECTS_SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("version_id", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.string()),
        ("class_label", pa.string()),
        ("encoded_label", pa.int32()),
        ("channel", pa.string()),
        ("drop_id", pa.string()),
        ("execution_id", pa.string()),
    ]
)
MEMBERSHIP_SCHEMA = pa.schema([("sha256", pa.binary(32)), ("channel", pa.string())])

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ObjectRow:
    """A row of `objects.parquet`; size in bytes, sha256 in hex."""

    key: str
    version_id: str
    size: int
    sha256: str
    class_label: str
    encoded_label: int
    channel: Channel
    drop_id: str
    execution_id: str


@dataclass(frozen=True)
class Earlier:
    """What the newest earlier run left: channels by content, digests by (key, version), labels."""

    execution_id: str | None = None
    channels: Mapping[str, Channel] = field(default_factory=dict)
    digests: Mapping[tuple[str, str], str] = field(default_factory=dict)
    labels: Sequence[str] = ()


def read_newest(s3: S3Client, folder: S3Folder) -> Earlier:
    """Reads the newest complete lineage below `folder` by S3's LastModified; empty if none."""
    runs: defaultdict[str, dict[str, StoredObject]] = defaultdict(dict)
    for stored in current_objects(s3, folder):
        execution_id, _, name = stored.key.removeprefix(folder.prefix).partition("/")
        runs[execution_id][name] = stored
    complete = [
        (run[OBJECTS].last_modified, execution_id)
        for execution_id, run in runs.items()
        if {OBJECTS, MEMBERSHIP, LABELS} <= run.keys()
    ]
    if not complete:
        logger.info("No earlier lineage below %s.", folder.uri)
        return Earlier()
    execution_id = max(complete)[1]
    logger.info("Channels and labels continue those of execution %s.", execution_id)
    objects, membership, labels = (
        read_object(s3, folder.bucket, runs[execution_id][name])
        for name in (OBJECTS, MEMBERSHIP, LABELS)
    )
    return Earlier(
        execution_id, _channels(membership), _digests(objects), json.loads(labels)["labels"]
    )


def write_tables(
    folder: Path, rows: Sequence[ObjectRow], membership: Mapping[str, Channel]
) -> None:
    """Writes `objects.parquet` and `membership.parquet`; the same rows give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    objects = pa.Table.from_pylist([asdict(row) for row in rows], OBJECTS_SCHEMA)
    pq.write_table(objects, folder / OBJECTS)
    contents = sorted(membership)
    assigned = [[bytes.fromhex(c) for c in contents], [membership[c] for c in contents]]
    pq.write_table(pa.table(assigned, schema=MEMBERSHIP_SCHEMA), folder / MEMBERSHIP)


def _channels(membership: bytes) -> dict[str, Channel]:
    table = pq.read_table(io.BytesIO(membership), schema=MEMBERSHIP_SCHEMA)
    contents = (content.hex() for content in table["sha256"].to_pylist())
    return dict(zip(contents, cast(list[Channel], table["channel"].to_pylist()), strict=True))


def _digests(objects: bytes) -> dict[tuple[str, str], str]:
    columns = pq.read_table(io.BytesIO(objects), columns=["key", "version_id", "sha256"])
    keys, versions, hashes = (columns[name].to_pylist() for name in columns.column_names)
    return dict(zip(zip(keys, versions, strict=True), hashes, strict=True))
