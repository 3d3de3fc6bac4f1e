"""Reads the markers of drops, several at a time."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from processing.manifests.drop_check import DropCheck
from processing.manifests.drop_index import read_index
from processing.manifests.drops import Drop
from processing.manifests.index_check import IndexCheck
from processing.manifests.s3 import S3Client, download, refuses_one_object
from processing.parallel import ordered_map

# Each holds a part of an index in memory.
WORKERS = 4


def read_markers(
    s3: S3Client, bucket: str, drops: Iterable[Drop], folder: Path
) -> Iterator[tuple[Drop, DropCheck]]:
    """Each drop with what its marker asks of it, in order; their indexes are kept in `folder`."""

    def read(numbered: tuple[int, Drop]) -> tuple[Drop, DropCheck]:
        number, drop = numbered
        if not drop.marker.size:
            return drop, DropCheck()
        try:
            marker = download(s3, bucket, drop.marker, folder / str(number) / "marker")
            index = read_index(marker, marker.parent)
        except ValueError as error:
            return drop, DropCheck(unreadable=str(error))
        except ClientError as error:
            if not refuses_one_object(error):
                raise
            return drop, DropCheck(unreadable=f"S3 refused it, {error}")
        return drop, DropCheck(IndexCheck(index) if index is not None else None)

    return ordered_map(read, enumerate(drops), WORKERS)
