"""Makes a listing of so many objects: 20 drops, 50 classes, every 50th content a copy."""

import hashlib
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROWS_AT_A_TIME = 50_000
SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("version_id", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.binary()),
    ]
)


def main(path: Path, rows: int) -> None:
    each = rows // (20 * 50)
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for start in range(0, rows, ROWS_AT_A_TIME):
            numbers = range(start, min(start + ROWS_AT_A_TIME, rows))
            digests = [hashlib.sha256(str(n - (n % 50 == 49)).encode()).digest() for n in numbers]
            columns = [
                [
                    f"drops/drop-{n // (each * 50):03d}/class-{n // each % 50:02d}/{n:08d}.jpg"
                    for n in numbers
                ],
                [digest.hex()[:32] for digest in digests],
                [20_000 + digest[0] * 200 for digest in digests],
                digests,
            ]
            writer.write_batch(pa.record_batch(columns, schema=SCHEMA))


main(Path(sys.argv[1]), int(sys.argv[2]))
