"""What earlier runs left: the channels, digests and labels that this one continues."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from processing.container import UserError
from processing.manifests.listing import Lister
from processing.manifests.s3 import CONNECTIONS, S3Client, StoredObject, download
from processing.manifests.settings import S3Folder
from processing.parallel import ordered_map

OBJECTS, MEMBERSHIP, LABELS, DATASET = FILES = (
    "objects.parquet",
    "membership.parquet",
    "labels.json",
    "dataset.json",
)
SCHEMA = 2

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class EarlierRun:
    """Its tables on local disk, its labels by encoded label, and its `dataset.json`."""

    execution_id: str
    objects: Path
    membership: Path
    labels: tuple[str, ...]
    dataset: Mapping[str, Any]


@dataclass(frozen=True)
class Earlier:
    """The runs that this one continues, oldest first: several when executions overlapped."""

    runs: tuple[EarlierRun, ...]

    @property
    def drop_ids(self) -> frozenset[str]:
        """Drops of which these runs used something."""
        return frozenset(
            drop["id"]
            for run in self.runs
            for drop in run.dataset["included_drops"]
            if drop["objects"]
        )


@dataclass(frozen=True)
class _StoredRun:
    execution_id: str
    files: Mapping[str, StoredObject]
    dataset: Mapping[str, Any]

    @property
    def written(self) -> tuple[datetime, str]:
        return self.files[DATASET].last_modified, self.execution_id


def read_earlier(s3: S3Client, lineage: S3Folder, execution_id: str, folder: Path) -> Earlier:
    """Downloads the lineages that no later run continues yet, to `folder`.

    An incomplete lineage, which is still being uploaded, and that of `execution_id` itself, which
    an attempt before may have left, are not read.

    Raises UserError when one is of another schema.
    """
    runs = [run for run in _complete_runs(s3, lineage, folder) if run.execution_id != execution_id]
    continued = {earlier for run in runs for earlier in run.dataset["earlier_execution_ids"]}
    heads = [run for run in runs if run.execution_id not in continued]
    heads.sort(key=attrgetter("written"))
    if not heads:
        logger.info("No earlier lineage below %s.", lineage.uri)
    for run in heads:
        logger.info("Channels and labels continue those of execution %s.", run.execution_id)
    return Earlier(tuple(_download(s3, lineage.bucket, run, folder) for run in heads))


def _complete_runs(s3: S3Client, lineage: S3Folder, folder: Path) -> Iterator[_StoredRun]:
    lister = Lister(s3, lineage.bucket)
    prefixes = (
        prefix for page in lister.pages(lineage.prefix, delimiter="/") for prefix in page.prefixes
    )

    def look_into(prefix: str) -> _StoredRun | None:
        files = {
            stored.key.removeprefix(prefix): stored
            for page in lister.pages(prefix, delimiter="/")
            for stored in page.objects()
        }
        if not files.keys() >= set(FILES):
            return None
        execution_id = prefix.removeprefix(lineage.prefix).removesuffix("/")
        stored = files[DATASET]
        path = download(s3, lineage.bucket, stored, folder / execution_id / DATASET)
        return _StoredRun(execution_id, files, _read_dataset(path, lineage.bucket, stored.key))

    for run in ordered_map(look_into, prefixes, CONNECTIONS):
        if run is not None:
            yield run


def _read_dataset(path: Path, bucket: str, key: str) -> Mapping[str, Any]:
    try:
        dataset: dict[str, Any] = json.loads(path.read_bytes())
        schema = dataset["schema"]
    except (ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"The lineage s3://{bucket}/{key} cannot be read ({error}): restore the version of it "
            "that its execution wrote."
        ) from error
    if schema != SCHEMA:
        raise UserError(
            f"The lineage s3://{bucket}/{key} has schema {schema}, and this image reads {SCHEMA}: "
            "deploy an image of its version."
        )
    return dataset


def _download(s3: S3Client, bucket: str, run: _StoredRun, folder: Path) -> EarlierRun:
    objects, membership, labels = (
        download(s3, bucket, run.files[name], folder / run.execution_id / name)
        for name in (OBJECTS, MEMBERSHIP, LABELS)
    )
    known = tuple(json.loads(labels.read_bytes())["labels"])
    return EarlierRun(run.execution_id, objects, membership, known, run.dataset)
