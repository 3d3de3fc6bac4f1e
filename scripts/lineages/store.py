"""The lineages in the artifacts bucket, read with Arrow."""

import json
import os
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from typing import Any, TypeVar
from urllib.parse import urlsplit

import boto3
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import fs

from rehearsal.s3_uri import S3Uri
from scripts.console import CommandError

WORKERS = 8
SCHEMA = 2

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Lineage:
    """One execution's: the tables' paths, and its `dataset.json`."""

    execution_id: str
    dataset: dict[str, Any]
    folder: str

    @property
    def drops_bucket(self) -> str:
        """The bucket that its objects lie in."""
        return self._drops[0]

    def entry(self, key: str) -> str:
        """An object's manifest entry: its key below the folder of the drops."""
        return key.removeprefix(self._drops[1])

    @cached_property
    def _drops(self) -> tuple[str, str]:
        place = S3Uri.parse(self.dataset["drops"])
        return place.bucket, place.key

    @property
    def objects(self) -> str:
        """The path of the table of its objects, a row each."""
        return f"{self.folder}/objects.parquet"

    @property
    def membership(self) -> str:
        """The path of the table of contents, in the order of their SHA-256."""
        return f"{self.folder}/membership.parquet"


@dataclass(frozen=True)
class Membership:
    """A content in a dataset: its channel, and the rows of `objects.parquet` that hold it."""

    channel: str
    rows: list[int]


class LineageStore:
    """All executions' lineages in an environment's artifacts bucket."""

    def __init__(self, session: boto3.Session, bucket: str) -> None:
        self._s3 = session.client("s3")
        self._bucket = bucket
        self._files = _file_system(session)

    def lineages(self) -> list[Lineage]:
        """Every complete one, the oldest first."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix="lineage/", Delimiter="/"
        )
        ids = [prefix.split("/")[1] for prefix in pages.search("CommonPrefixes[].Prefix || `[]`")]
        read = [pair for pair in in_parallel(self._read, ids) if pair is not None]
        return [lineage for _, lineage in sorted(read, key=lambda dated: dated[0])]

    def lineage(self, execution_id: str) -> Lineage:
        """That of one execution; CommandError where it has none."""
        read = self._read(execution_id)
        if read is None:
            raise CommandError(
                f"The execution {execution_id} has no lineage in s3://{self._bucket}/lineage/: "
                "its step CreateManifests did not succeed."
            )
        return read[1]

    def rows_of_key(self, lineage: Lineage, key: str, version_id: str | None) -> pa.Table:
        """Rows of `objects.parquet` with this key, whole; none or one."""
        wanted = ds.field("key") == key
        if version_id is not None:
            wanted &= ds.field("version_id") == version_id
        with _reading(lineage.objects):
            return self._dataset(lineage.objects).to_table(filter=wanted)

    def contents(self, lineage: Lineage, digests: Iterable[bytes]) -> dict[bytes, Membership]:
        """Those of these contents that the dataset holds, by SHA-256."""
        contents: dict[bytes, Membership] = {}
        with _reading(lineage.membership), self._parquet(lineage.membership) as table:
            for digest in digests:
                for group in _groups_that_may_hold(table.metadata, digest):
                    rows = table.read_row_group(group)
                    rows = rows.filter(pc.and_(pc.equal(rows["sha256"], digest), rows["present"]))
                    for row in rows.to_pylist():
                        contents[digest] = Membership(row["channel"], row["rows"])
        return contents

    def rows(self, lineage: Lineage, numbers: Iterable[int]) -> list[dict[str, Any]]:
        """Rows of `objects.parquet` by their numbers."""
        found_rows = []
        with _reading(lineage.objects), self._parquet(lineage.objects) as table:
            ends = accumulate(
                table.metadata.row_group(group).num_rows
                for group in range(table.metadata.num_row_groups)
            )
            bounds = [0, *ends]
            wanted = sorted(numbers)
            for group, same in groupby(wanted, lambda number: bisect_right(bounds, number) - 1):
                rows = table.read_row_group(group)
                found_rows += rows.take([number - bounds[group] for number in same]).to_pylist()
        return found_rows

    def batches(self, lineage: Lineage) -> Iterator[pa.RecordBatch]:
        """All rows of `objects.parquet`, some at a time, by key."""
        with _reading(lineage.objects), self._parquet(lineage.objects) as table:
            yield from table.iter_batches(8_192)

    def quarantined(self, lineage: Lineage) -> dict[str, str]:
        """Why each file put aside was, by manifest entry (`<drop id>/<class label>/<file>`)."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"lineage/{lineage.execution_id}/quarantine/"
        )
        texts = in_parallel(self._text, pages.search("Contents[].Key || `[]`"))
        lines = [line for text in texts for line in text.splitlines()]
        return {line["key"]: line["reason"] for line in map(json.loads, lines)}

    def _read(self, execution_id: str) -> tuple[Any, Lineage] | None:
        key = f"lineage/{execution_id}/dataset.json"
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=key)
        except self._s3.exceptions.NoSuchKey:
            return None
        try:
            dataset: dict[str, Any] = json.loads(answer["Body"].read())
            schema = dataset["schema"]
        except (ValueError, LookupError, TypeError) as error:
            raise CommandError(
                f"s3://{self._bucket}/{key} cannot be read ({error}): restore the version of it "
                "that its execution wrote."
            ) from error
        if schema != SCHEMA:
            raise CommandError(
                f"s3://{self._bucket}/{key} has schema {schema}, and this command reads {SCHEMA}: "
                "use the checkout that was deployed then."
            )
        folder = f"{self._bucket}/lineage/{execution_id}"
        return (answer["LastModified"], execution_id), Lineage(execution_id, dataset, folder)

    def _text(self, key: str) -> str:
        body: bytes = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        return body.decode()

    def _dataset(self, path: str) -> ds.Dataset:
        return ds.dataset(path, filesystem=self._files, format="parquet")

    def _parquet(self, path: str) -> pq.ParquetFile:
        return pq.ParquetFile(self._files.open_input_file(path), pre_buffer=True)


@contextmanager
def _reading(path: str) -> Iterator[None]:
    """Turns what Arrow raises of a table into a CommandError that names it."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        reason = str(error).rpartition(": ")[2].partition("\n")[0]
        raise CommandError(
            f"The table s3://{path} cannot be read ({reason}): restore the version of it that its "
            "execution wrote."
        ) from error


def in_parallel(function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results in the order of `items`."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(function, items))


def _groups_that_may_hold(metadata: pq.FileMetaData, digest: bytes) -> Iterator[int]:
    # Arrow's datasets do not prune by the statistics of binary columns.
    for index in range(metadata.num_row_groups):
        bounds = metadata.row_group(index).column(0).statistics
        if bounds is None or bounds.min <= digest <= bounds.max:
            yield index


def _file_system(session: boto3.Session) -> fs.S3FileSystem:
    """Arrow's S3 with the session's credentials and the endpoint that boto3 would take."""
    credentials = session.get_credentials()
    if credentials is None:
        raise CommandError("No AWS credentials are set: set AWS_PROFILE and AWS_REGION.")
    frozen = credentials.get_frozen_credentials()
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    place = urlsplit(named) if named else None
    return fs.S3FileSystem(
        access_key=frozen.access_key,
        secret_key=frozen.secret_key,
        session_token=frozen.token,
        region=session.region_name,
        scheme=place.scheme if place else "https",
        endpoint_override=place.netloc if place else None,
    )
