"""Programs on many objects: a listing of a bucket, and split, manifests and table of one.

`our_…` run in the processing image's environment, `plain_…` in the benchmarks' own: the same work
as one writes it with the libraries that come to mind first.
"""

import hashlib
import json
import os
import re
import shutil
import sys
import time
from bisect import bisect_right
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from urllib.parse import parse_qs, quote, unquote, urlsplit
from urllib.request import urlopen

from benchmarks.harness.programs import main, measured

ROWS_AT_A_TIME = 50_000
DROPS, CLASSES = 5, 8
_VERSION = (
    "<Version><Key>{key}</Key><VersionId>{place:032d}</VersionId><IsLatest>true</IsLatest>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>7</Size></Version>"
)
_PAGE = (
    '<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
    "<EncodingType>url</EncodingType><IsTruncated>{more}</IsTruncated>"
    "<NextKeyMarker>{last}</NextKeyMarker>{versions}</ListVersionsResult>"
)
_MARKER = re.compile(rb"<NextKeyMarker>(.*?)</NextKeyMarker>")


def bucket(objects: str, seconds: str = "0") -> None:
    """A local S3 whose listings are computed as they are asked for, while its input is open.

    Prints its URL. One that waits before each page has all in one folder.
    """
    wait = float(seconds)
    drops, classes = (1, 1) if wait else (DROPS, CLASSES)
    each = int(objects) // (drops * classes)
    names = [f"{c:02d}/{n:07d}.jpg" for c in range(classes) for n in range(each)]
    keys = sorted(f"drops/d{d}/{name}" for d in range(drops) for name in [*names, "_SUCCESS"])

    class Bucket(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(wait)
            marker = parse_qs(urlsplit(self.path).query).get("key-marker")
            start = bisect_right(keys, marker[0]) if marker else 0
            page = keys[start : start + 1000]
            versions = [_VERSION.format(key=quote(k), place=start + i) for i, k in enumerate(page)]
            more = "true" if start + 1000 < len(keys) else "false"
            answer = _PAGE.format(more=more, last=quote(page[-1]), versions="".join(versions))
            self.send_response_only(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Bucket) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        sys.stdin.read()
        server.shutdown()


def our_listing() -> None:
    """Lists a bucket as CreateManifests does."""
    from processing.manifests.s3 import Lister, s3_client

    lister = Lister(s3_client(), "b")
    with measured() as facts:
        facts["count"] = sum(len(page.batch) for page in lister.pages("drops/"))


def our_folder() -> None:
    """Lists a class folder as CreateManifests does."""
    from processing.manifests.folder_lister import FolderLister
    from processing.manifests.s3 import LISTED_SCHEMA, Lister, s3_client
    from processing.manifests.staging import Spool

    numbers = count()
    with TemporaryDirectory() as place:

        def spool(rows: int) -> Spool:
            return Spool(Path(place) / f"{next(numbers)}.arrow", LISTED_SCHEMA, rows)

        with measured() as facts:
            with FolderLister(Lister(s3_client(), "b"), spool) as folders:
                spools = folders.list("drops/d0/")
            facts["count"] = sum(len(batch) for each in spools for batch in each.batches())


def plain_listing() -> None:
    """Lists a bucket with boto3's paginator."""
    import boto3

    s3 = boto3.client("s3")
    with measured() as facts:
        pages = s3.get_paginator("list_object_versions").paginate(Bucket="b", Prefix="drops/")
        found = [
            (version["Key"], version["VersionId"], version["Size"])
            for page in pages
            for version in page["Versions"]
            if version["IsLatest"]
        ]
        facts["count"] = len(found)


def pages_unread() -> None:
    """Fetches the pages of a listing and reads no more of them than where to go on: the limit."""
    with measured() as facts:
        found, marker = 0, ""
        while True:
            query = f"versions&prefix=drops/&max-keys=1000{marker}"
            with urlopen(f"{os.environ['AWS_ENDPOINT_URL']}/b?{query}") as answer:  # noqa: S310 - a local server
                page = answer.read()
            found += page.count(b"<Version>")
            if b"<IsTruncated>true" not in page:
                break
            (last,) = _MARKER.findall(page)
            marker = f"&key-marker={quote(unquote(last.decode()))}"
        facts["count"] = found


def listing(path: str, objects: str) -> None:
    """Writes a listing (Parquet): 20 drops, 50 classes, every 50th content a copy."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = int(objects)
    each = rows // (20 * 50)
    columns = {"key": pa.string(), "version_id": pa.string(), "size": pa.int64()}
    schema = pa.schema([*columns.items(), ("sha256", pa.binary())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, ROWS_AT_A_TIME):
            numbers = range(start, min(start + ROWS_AT_A_TIME, rows))
            digests = [hashlib.sha256(str(n - (n % 50 == 49)).encode()).digest() for n in numbers]
            keys = [
                f"drops/drop-{n // (each * 50):03d}/class-{n // each % 50:02d}/{n:08d}.jpg"
                for n in numbers
            ]
            versions = [digest.hex()[:32] for digest in digests]
            sizes = [20_000 + digest[0] * 200 for digest in digests]
            writer.write_batch(pa.record_batch([keys, versions, sizes, digests], schema=schema))


def our_staging(path: str, staged: str) -> None:
    """Writes a listing as CreateManifests stages it, and beside it the names that it holds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from processing.manifests.staging import STAGED_SCHEMA, StagedWriter

    drops: dict[str, int] = {}
    classes: dict[str, int] = {}
    with StagedWriter(Path(staged)) as writer:
        for batch in pq.ParquetFile(path).iter_batches(5_000):
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
    Path(staged).with_suffix(".json").write_text(json.dumps([list(drops), list(classes)]))


def plain_staging(path: str, staged: str) -> None:
    """Writes a listing with its keys taken apart, as `plain_split` reads it."""
    import pandas as pd
    from sklearn.preprocessing import LabelEncoder

    table = pd.read_parquet(path)
    table["sha256"] = table.sha256.map(bytes.hex)
    parts = table.key.str.split("/", expand=True)
    table["drop_id"], table["class_label"] = parts[1], parts[2]
    table["encoded_label"] = LabelEncoder().fit_transform(table.class_label)
    table.to_parquet(staged)


def our_split(staged: str, objects: str, output: str) -> None:
    """Split, manifests and table of a staged listing, as CreateManifests makes them."""
    from drops.s3_uri import S3Uri
    from processing.manifests.assignment import Assigner
    from processing.manifests.contents import Partitions
    from processing.manifests.outputs import Folders, Names, write_outputs
    from processing.manifests.split import Split
    from processing.manifests.staging import StagedObjects

    path, rows, folder = Path(staged), int(objects), Path(output)
    drops, classes = json.loads(path.with_suffix(".json").read_text())
    names = Names(tuple(classes), tuple(drops), tuple(sorted(classes)), "execution")
    shutil.rmtree(folder, ignore_errors=True)
    with measured() as facts:
        table = StagedObjects(path)
        assigner = Assigner(
            partitions=Partitions(table, rows, folder / "working" / "partitions"),
            objects=rows,
            class_labels=classes,
            memberships=[],
            split=Split(validation_fraction=0.15, test_fraction=0.15, minimum=2, seed=7),
        )
        folders = Folders(folder / "manifests", folder / "lineage", folder / "working")
        _, tally = write_outputs(table, assigner, names, S3Uri("bucket", "drops/"), folders)
        facts["count"] = tally.rows


def plain_split(staged: str, output: str) -> None:
    """Split, manifests and table of a staged listing with pandas, scikit-learn and json."""
    import pandas as pd
    from sklearn.model_selection import train_test_split

    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    with measured() as facts:
        rows = pd.read_parquet(staged)
        train, rest = train_test_split(
            rows, test_size=0.3, stratify=rows.class_label, random_state=7
        )
        validation, test = train_test_split(
            rest, test_size=0.5, stratify=rest.class_label, random_state=7
        )
        channels = {"train": train, "validation": validation, "test": test}
        for channel, part in channels.items():
            entries = part.key.str.removeprefix("drops/")
            with (folder / f"{channel}.manifest").open("w") as file:
                json.dump([{"prefix": "s3://bucket/drops/"}, *entries], file)
        table = pd.concat([part.assign(channel=channel) for channel, part in channels.items()])
        table.to_parquet(folder / "objects.parquet")
        facts["count"] = len(table)


if __name__ == "__main__":
    main()
