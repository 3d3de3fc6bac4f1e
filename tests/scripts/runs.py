"""Writes lineages of made-up executions, in the shape that docs/pipeline.md gives them."""

import hashlib
import io
import json
from collections import Counter
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq

TEXTS = pa.dictionary(pa.int32(), pa.string())
CHANNEL = pa.dictionary(pa.int8(), pa.string())
OBJECTS = pa.schema(
    [
        ("key", pa.string()),
        ("version_id", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.binary(32)),
        ("class_label", TEXTS),
        ("encoded_label", pa.int32()),
        ("channel", CHANNEL),
        ("drop_id", TEXTS),
        ("execution_id", TEXTS),
    ]
)
MEMBERSHIP = pa.schema(
    [
        ("sha256", pa.binary(32)),
        ("channel", CHANNEL),
        ("present", pa.bool_()),
        ("rows", pa.list_(pa.uint32())),
    ]
)
CHANNELS = ("train", "validation", "test")
# Small, so that tables have several.
ROW_GROUP_ROWS = 4


def digest(content: str) -> bytes:
    return hashlib.sha256(content.encode()).digest()


def channel_of(content: str) -> str:
    return CHANNELS[digest(content)[0] % 3]


def write_run(
    session: boto3.Session,
    buckets: dict[str, str],
    execution_id: str,
    objects: dict[str, str],
    *,
    gone: tuple[str, ...] = (),
    quarantined: dict[str, str] | None = None,
    **dataset: Any,
) -> None:
    """A lineage of `objects`, content by `<drop>/<class>/<file>`; gone: contents of before."""
    s3 = session.client("s3")

    def put(name: str, body: bytes) -> None:
        key = f"lineage/{execution_id}/{name}"
        s3.put_object(Bucket=buckets["ArtifactsBucketName"], Key=key, Body=body)

    rows = [_row(execution_id, entry, content) for entry, content in sorted(objects.items())]
    members = {digest(content): (channel_of(content), False) for content in gone}
    members |= {row["sha256"]: (row["channel"], True) for row in rows}
    put("objects.parquet", _parquet(rows, OBJECTS))
    put(
        "membership.parquet",
        _parquet(
            [
                {
                    "sha256": key,
                    "channel": channel,
                    "present": present,
                    "rows": [n for n, row in enumerate(rows) if row["sha256"] == key],
                }
                for key, (channel, present) in sorted(members.items())
            ],
            MEMBERSHIP,
        ),
    )
    lines = [
        json.dumps({"key": key, "channel": "train", "reason": reason})
        for key, reason in (quarantined or {}).items()
    ]
    put("quarantine/algo-1.jsonl", "\n".join(lines).encode())
    described = _dataset(execution_id, rows, buckets["DropsBucketName"]) | dataset
    put("dataset.json", json.dumps(described).encode())


def _row(execution_id: str, entry: str, content: str) -> dict[str, Any]:
    drop_id, class_label, _ = entry.split("/")
    return {
        "key": f"drops/{entry}",
        "version_id": f"v-{content}",
        "size": len(content),
        "sha256": digest(content),
        "class_label": class_label,
        "encoded_label": 0,
        "channel": channel_of(content),
        "drop_id": drop_id,
        "execution_id": execution_id,
    }


def _parquet(rows: list[dict[str, Any]], schema: pa.Schema) -> bytes:
    buffer = io.BytesIO()
    table = pa.Table.from_pylist(rows, schema)
    pq.write_table(table, buffer, row_group_size=ROW_GROUP_ROWS)
    return buffer.getvalue()


def _dataset(execution_id: str, rows: list[dict[str, Any]], bucket: str) -> dict[str, Any]:
    counts = {
        label: {
            channel: sum(r["class_label"] == label and r["channel"] == channel for r in rows)
            for channel in CHANNELS
        }
        for label in sorted({row["class_label"] for row in rows})
    }
    drops = Counter(row["drop_id"] for row in rows)
    return {
        "schema": 2,
        "execution_id": execution_id,
        "earlier_execution_ids": [],
        "drops": f"s3://{bucket}/drops/",
        "drop_id": rows[0]["drop_id"],
        "objects": len(rows),
        "bytes": sum(row["size"] for row in rows),
        "contents": len({row["sha256"] for row in rows}),
        "counts": counts,
        "sizes": {label: {"minimum": 1, "mean": 2, "maximum": 3} for label in counts},
        "class_shares": {label: {"earlier": None, "now": 0.5} for label in counts},
        "included_drops": [
            {"id": drop, "objects": count, "bytes": 1, "started_this_run": False}
            for drop, count in drops.items()
        ],
        "incomplete_drops": ["half"],
        "duplicates": {"contents": 0, "objects": 0, "examples": []},
        "changes": {
            **{f"objects_{kind}": 0 for kind in ("added", "removed", "changed")},
            "contents_added": 0,
            "contents_removed": 0,
            "examples": {"added": [], "removed": [], "changed": []},
        },
        "warnings": ["Class cat drifts."],
    }
