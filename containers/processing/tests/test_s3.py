"""Listings compared with what boto3 makes of the same answers."""

import random
import uuid
from http.server import BaseHTTPRequestHandler

import boto3
import pytest
from tests.local_server import serving

from processing.manifests.s3 import Lister, s3_client

SIGNS = ["a", "é", "犬", "%2F", "+", " ", "&", "<", '"', "=", "😀", "-"]


@pytest.fixture
def bucket(s3):
    """Odd keys in a few folders, with old versions and deleted objects."""
    name = f"listing-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    chance = random.Random(5)
    for number in range(150):
        key = "/".join("".join(chance.choices(SIGNS, k=2)) for _ in range(chance.randint(1, 3)))
        s3.put_object(Bucket=name, Key=f"top/{key}", Body=b"x" * number)
        if number % 10 == 0:
            storage_class = "GLACIER" if number % 20 == 0 else "STANDARD"
            s3.put_object(Bucket=name, Key=f"top/{key}", Body=b"again", StorageClass=storage_class)
        if number % 15 == 0:
            s3.delete_object(Bucket=name, Key=f"top/{key}")
    return name


@pytest.fixture(params=[7, 1000])
def page_keys(request, monkeypatch):
    monkeypatch.setattr("processing.manifests.s3.PAGE_KEYS", request.param)


def paginated(s3, bucket, **request):
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="top/", **request
    )
    return list(pages)


def test_a_folder_is_listed_as_boto3_lists_it(s3, bucket, page_keys):
    expected = [
        {
            "key": found["Key"],
            "version_id": found["VersionId"],
            "size": found["Size"],
            "last_modified": found["LastModified"],
            "archived": found["StorageClass"] == "GLACIER",
        }
        for page in paginated(s3, bucket)
        for found in page.get("Versions", [])
        if found["IsLatest"]
    ]
    rows = [
        row for page in Lister(s3_client(), bucket).pages("top/") for row in page.batch.to_pylist()
    ]
    assert rows == expected
    assert len(rows) > 100


def test_prefixes_are_listed_as_boto3_lists_them(s3, bucket, page_keys):
    pages = paginated(s3, bucket, Delimiter="/")
    prefixes = [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", [])]
    listed = Lister(s3_client(), bucket).pages("top/", delimiter="/")
    assert [prefix for page in listed for prefix in page.prefixes] == prefixes


def test_objects_beside_prefixes_are_listed_as_boto3_lists_them(s3, bucket):
    # On one page: MiniStack loses such objects where an answer goes on.
    (page,) = paginated(s3, bucket, Delimiter="/")
    (listed,) = Lister(s3_client(), bucket).pages("top/", delimiter="/")
    assert [(stored.key, stored.last_modified) for stored in listed.objects()] == [
        (found["Key"], found["LastModified"]) for found in page["Versions"] if found["IsLatest"]
    ]


def test_one_object_is_found_among_those_whose_names_begin_alike(s3, bucket):
    for key in ("one/a", "one/ab", "one/a/b"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    s3.delete_object(Bucket=bucket, Key="one/ab")
    lister = Lister(s3_client(), bucket)
    assert lister.find("one/a").size == len("one/a")
    assert lister.find("one/ab") is None
    assert lister.find("one") is None


RESTORES = {
    "no": ("", True),
    "is on its way": ("<IsRestoreInProgress>true</IsRestoreInProgress>", True),
    "is done": (
        "<IsRestoreInProgress>false</IsRestoreInProgress>"
        "<RestoreExpiryDate>2026-12-21T00:00:00.000Z</RestoreExpiryDate>",
        False,
    ),
}


@pytest.mark.parametrize(("said", "archived"), RESTORES.values(), ids=RESTORES)
def test_an_archived_object_counts_as_readable_once_its_restore(said, archived):
    """As API_ListObjectVersions has it; MiniStack's listings say nothing of restores."""

    class Listing(BaseHTTPRequestHandler):
        def do_GET(self):
            assert self.headers["x-amz-optional-object-attributes"] == "RestoreStatus"
            status = f"<RestoreStatus>{said}</RestoreStatus>" if said else ""
            body = (
                '<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Version>'
                "<Key>a</Key><VersionId>1</VersionId><IsLatest>true</IsLatest><Size>1</Size>"
                "<LastModified>2026-11-30T00:00:00.000Z</LastModified>"
                f"<StorageClass>GLACIER</StorageClass>{status}</Version></ListVersionsResult>"
            )
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            """Says nothing."""

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "x"}
    with serving(Listing) as url:
        s3 = boto3.client("s3", endpoint_url=url, **keys)
        (found,) = next(Lister(s3, "bucket").pages("")).objects()
    assert found.archived is archived
