import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from scripts.console import CommandError
from scripts.images.contents import ImageFile, list_files, read_images
from scripts.images.drops_in_s3 import (
    check_drop_id,
    check_free,
    complete_drops,
    new_drop_id,
    s3_client,
    upload,
)


def images_of(folder: Path) -> tuple[ImageFile, ...]:
    return read_images(list_files(folder), lambda: None).images


def keys_of(session: boto3.Session, bucket: str) -> list[str]:
    found = session.client("s3").list_objects_v2(Bucket=bucket)
    return [item["Key"] for item in found.get("Contents", [])]


def body_of(session: boto3.Session, bucket: str, key: str) -> bytes:
    return session.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()


def put(session: boto3.Session, folder: Path, bucket: str, drop_id: str = "d1") -> None:
    upload(s3_client(session), bucket, drop_id, images_of(folder), lambda: None)


def test_each_image_arrives_under_its_class_with_its_type(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    put(session, photos, bucket)

    assert body_of(session, bucket, "drops/d1/dog/5.png") == (photos / "dog/5.png").read_bytes()
    head = session.client("s3").head_object(Bucket=bucket, Key="drops/d1/dog/5.png")
    assert head["ContentType"] == "image/png"
    assert len(keys_of(session, bucket)) == 9


def test_the_marker_is_an_index_of_names_sizes_and_digests(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    put(session, photos, bucket)

    index = json.loads(body_of(session, bucket, "drops/d1/_SUCCESS"))
    assert index["schema"] == 1
    assert [file["name"] for file in index["files"]] == sorted(
        path.relative_to(photos).as_posix() for path in photos.glob("*/*")
    )
    for file in index["files"]:
        body = (photos / file["name"]).read_bytes()
        assert file["size"] == len(body)
        assert file["sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("name", ["a b", "a#b", "a+b", "é", "e\u0301", "日本", "100%", "?&="])
def test_any_name_arrives_unchanged(
    session: boto3.Session, bucket: str, tmp_path: Path, name: str, write_image: Callable[..., Path]
) -> None:
    write_image(tmp_path / name / f"{name}.png")

    put(session, tmp_path, bucket)

    assert keys_of(session, bucket) == sorted(
        [f"drops/d1/{name}/{name}.png", "drops/d1/_SUCCESS"], key=str.encode
    )
    index = json.loads(body_of(session, bucket, "drops/d1/_SUCCESS"))
    assert index["files"][0]["name"] == f"{name}/{name}.png"


def test_an_upload_that_is_interrupted_leaves_no_marker_and_can_be_finished(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    s3 = s3_client(session)
    with pytest.raises(KeyboardInterrupt, match="Interrupted: the drop d1 has no marker"):
        upload(s3, bucket, "d1", images_of(photos), interrupt)

    assert list(complete_drops(s3, bucket)) == []
    check_free(s3, bucket, "d1", images_of(photos))
    put(session, photos, bucket)
    assert list(complete_drops(s3, bucket)) == ["d1"]


def test_a_file_that_vanished_leaves_no_marker(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    images = images_of(photos)
    (photos / "cat" / "1.png").unlink()

    with pytest.raises(CommandError, match=r"1\.png cannot be read now .* d1 has no marker"):
        upload(s3_client(session), bucket, "d1", images, lambda: None)

    assert "drops/d1/_SUCCESS" not in keys_of(session, bucket)


def test_a_bucket_that_refuses_is_one_sentence(session: boto3.Session, photos: Path) -> None:
    with pytest.raises(CommandError, match=r"AWS refused PutObject: .* has no marker"):
        upload(s3_client(session), "no-such-bucket", "d1", images_of(photos), lambda: None)


def test_a_complete_drop_is_not_written_again(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    put(session, photos, bucket)

    with pytest.raises(CommandError, match="d1 is complete already"):
        check_free(s3_client(session), bucket, "d1", images_of(photos))


def test_an_unfinished_drop_of_another_folder_is_not_finished(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    session.client("s3").put_object(Bucket=bucket, Key="drops/d1/cat/other.png", Body=b"")

    with pytest.raises(CommandError, match=r"holds 'cat/other\.png'"):
        check_free(s3_client(session), bucket, "d1", images_of(photos))


def test_a_drop_without_marker_is_not_complete(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    put(session, photos, bucket, "with")
    session.client("s3").put_object(Bucket=bucket, Key="drops/without/cat/1.png", Body=b"")

    assert list(complete_drops(s3_client(session), bucket)) == ["with"]


def test_the_id_tells_time_and_contents(photos: Path, write_image: Callable[..., Path]) -> None:
    now = datetime(2026, 11, 23, 10, 15, tzinfo=UTC)
    first = new_drop_id(images_of(photos), now)
    write_image(photos / "cat" / "new.png", grey=99)
    second = new_drop_id(images_of(photos), now)

    assert re.fullmatch(r"20261123T101500Z-[0-9a-f]{8}", first)
    check_drop_id(first)
    assert first != second


@pytest.mark.parametrize("drop_id", ["", "a/b", "..", "a b", "é", "x" * 64, "-a", "--help", "a\n"])
def test_an_id_that_is_not_safe_in_keys_is_refused(drop_id: str) -> None:
    with pytest.raises(CommandError, match=r"is no drop id: write the drop again"):
        check_drop_id(drop_id)


def test_progress_is_told_after_each_image(
    session: boto3.Session, bucket: str, photos: Path
) -> None:
    told: list[None] = []
    upload(s3_client(session), bucket, "d1", images_of(photos), lambda: told.append(None))

    assert len(told) == 8
