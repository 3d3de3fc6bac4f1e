"""Brings objects of S3 to hosts' folders and back, several at once, and packs archives."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, as_completed, wait
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from boto3.exceptions import S3UploadFailedError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.jobs.failure import Cancelled, JobFailure, disk_errors
from rehearsal.jobs.inputs import Object
from rehearsal.s3_uri import S3Uri
from rehearsal.stored_file import CONTENT_TYPE, HEADER, StoredFile

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef, GetObjectRequestTypeDef

_AT_ONCE = 8
_CHUNK = 1 << 20

Shares = Sequence[tuple[Path, Sequence[Object]]]
"""Hosts' folders, and the objects that each gets."""


def download(shares: Shares, s3: S3Client, cancelled: Event, name: str) -> None:
    """Writes each share's objects below its folder; an object of several shares is read once.

    Args:
        name: of the input, for sentences.

    Raises:
        JobFailure: an object is gone or was changed since it was listed, or the disk is full.
        Cancelled: `cancelled` was set.
    """
    with disk_errors(f"downloading the input {name}"):
        _bring(shares, partial(_copy, s3=s3), cancelled)


def link(shares: Shares, s3: S3Client, cancelled: Event, name: str) -> None:
    """Shows each share's objects below its folder and copies none: they are hard links to the files
    that S3 keeps, which whoever gets the folder must not be able to write.

    Args:
        name: of the input, for sentences.

    Raises:
        JobFailure: an object is gone or was changed since it was listed, or its file can't be
            linked.
        Cancelled: `cancelled` was set.
    """
    with disk_errors(f"linking the input {name}"):
        _bring(shares, partial(_link, s3=s3), cancelled)


def _bring(shares: Shares, one: Callable[[Object, Sequence[Path]], None], cancelled: Event) -> None:
    """Lets `one` make an object's files, for each object once."""
    places: dict[Object, list[Path]] = {}
    for folder, objects in shares:
        folder.mkdir(parents=True, exist_ok=True)
        for each in objects:
            places.setdefault(each, []).append(folder / each.path)
    in_parallel((partial(one, each, files) for each, files in places.items()), cancelled)


def upload(
    folder: Path, target: S3Uri, s3: S3Client, cancelled: Event, key_id: str | None = None
) -> list[S3Uri]:
    """Puts every file below `folder` below `target`; returns the objects, sorted.

    Args:
        key_id: the KMS key that encrypts them; S3's default where it is None.

    Raises:
        JobFailure: S3 refuses one, or a link leads out of the folder.
        Cancelled: `cancelled` was set.
    """
    files = {target.child(path.relative_to(folder).as_posix()): path for path in _files(folder)}
    in_parallel((partial(put, path, place, s3, key_id) for place, path in files.items()), cancelled)
    return sorted(files, key=str)


def put(path: Path, place: S3Uri, s3: S3Client, key_id: str | None = None) -> None:
    """Uploads one file.

    Raises:
        JobFailure: S3 refuses it.
    """
    extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    settings = TransferConfig(use_threads=False)
    try:
        s3.upload_file(str(path), place.bucket, place.key, ExtraArgs=extra, Config=settings)
    except (S3UploadFailedError, ClientError, BotoCoreError, OSError) as error:
        raise JobFailure(
            f"ClientError: the output {place} could not be uploaded: {error}"
        ) from error


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            raise JobFailure(
                "AlgorithmError: the output has a link that leads out of its folder, "
                f"{path.relative_to(folder)}: write a file in its place."
            )
        if path.is_file():
            yield path


def _copy(each: Object, files: Sequence[Path], s3: S3Client) -> None:
    answer = _get(each, s3)
    first, *others = files
    first.parent.mkdir(parents=True, exist_ok=True)
    with first.open("xb") as file:
        shutil.copyfileobj(answer["Body"], file, _CHUNK)
    for other in others:
        other.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(first, other)


def _link(each: Object, files: Sequence[Path], s3: S3Client) -> None:
    told = _get(each, s3, CONTENT_TYPE)["ResponseMetadata"]["HTTPHeaders"].get(HEADER)
    if told is None:
        raise JobFailure(
            f"InternalServerError: this S3 does not tell where it keeps {each.location}: use the "
            "input mode File."
        )
    kept = StoredFile.read(told)
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(kept.path, file)
        except FileNotFoundError as error:
            raise JobFailure(_failure(each.location, _GONE)) from error
        if file.stat().st_ino != kept.inode:
            raise JobFailure(_failure(each.location, _CHANGED))


def _get(each: Object, s3: S3Client, content_type: str = "") -> GetObjectOutputTypeDef:
    request: GetObjectRequestTypeDef = {"Bucket": each.location.bucket, "Key": each.location.key}
    if each.etag:
        request["IfMatch"] = each.etag
    if content_type:
        request["ResponseContentType"] = content_type
    try:
        return s3.get_object(**request)
    except ClientError as error:
        raise JobFailure(_failure(each.location, _reason(error))) from error


_GONE = "is not there (any more)"
_CHANGED = "was changed while the job read it"


def _reason(error: ClientError) -> str:
    code = error.response["Error"].get("Code", "")
    if code in ("NoSuchKey", "404", "NoSuchVersion"):
        return _GONE
    if code in ("PreconditionFailed", "412"):
        return _CHANGED
    return f"can't be read: {error.response['Error'].get('Message', code)}"


def _failure(place: S3Uri, reason: str) -> str:
    return (
        f"ClientError: Data download failed: the object {place} {reason}; "
        "run the job again on data that stays."
    )


def in_parallel(tasks: Iterable[Callable[[], None]], cancelled: Event) -> None:
    """Runs the tasks, some at once; no more of them are drawn than these and as many that wait.

    Raises:
        Cancelled: `cancelled` was set.
        Exception: what a task raised; those that run end, and no others begin.
    """

    def one(task: Callable[[], None]) -> None:
        if cancelled.is_set():
            raise Cancelled
        task()

    waiting: set[Future[None]] = set()
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="transfer") as pool:
        try:
            for task in tasks:
                waiting.add(pool.submit(one, task))
                if len(waiting) == 2 * _AT_ONCE:
                    waiting -= _results(wait(waiting, return_when=FIRST_COMPLETED).done)
            _results(as_completed(waiting))
        finally:
            for future in waiting:
                future.cancel()


def _results(done: Iterable[Future[None]]) -> set[Future[None]]:
    """The futures, none of which raised."""
    found = set()
    for future in done:
        future.result()
        found.add(future)
    return found


def pack(folders: Sequence[Path], target: Path) -> None:
    """Packs what all hosts left in their `folders` into `target`; of one path, the first host's.

    The same content makes the same bytes: names are sorted, and times and owners are left out.

    Raises:
        JobFailure: the disk is full, or a file can't be read.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for path in folder.rglob("*"):
            found.setdefault(path.relative_to(folder).as_posix(), path)
    with (
        disk_errors(f"packing {target.name}"),
        target.open("wb") as file,
        gzip.GzipFile("", "wb", mtime=0, fileobj=file, compresslevel=6) as compressed,
        tarfile.open(fileobj=compressed, mode="w") as tar,
    ):
        for name in sorted(found):
            tar.add(found[name], name, recursive=False, filter=_nobodys)


def _nobodys(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry without times and owners."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry
