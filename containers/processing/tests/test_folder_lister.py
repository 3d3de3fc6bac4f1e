"""A folder that many list at once against one sequence of pages."""

import random
import time
from bisect import bisect_left, bisect_right
from collections import Counter
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from types import SimpleNamespace
from unittest.mock import patch
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from processing.manifests import folder_lister
from processing.manifests.folder_lister import FolderLister
from processing.manifests.s3 import CONNECTIONS, LISTED_SCHEMA, Lister
from processing.manifests.staging import Spool

FOLDER = "drops/d1/cat/"
VERSION = (
    "<Version><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>{latest}</IsLatest>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified><Size>{version}</Size></Version>"
)
DELETE_MARKER = (
    "<DeleteMarker><Key>{key}</Key><VersionId>{version}</VersionId><IsLatest>{latest}</IsLatest>"
    "<LastModified>2026-01-01T00:00:00.000Z</LastModified></DeleteMarker>"
)


class Bucket:
    """As much of boto3's client and of S3 as a listing needs.

    versions: by key how many; a negative number's last is a delete marker.
    begins_with_marker: as some servers have it, where S3 lists what comes after a key marker.
    """

    def __init__(self, versions, page_keys, seconds=lambda: 0, begins_with_marker=False):
        self.versions, self.page_keys, self.seconds = versions, page_keys, seconds
        self.begins_with_marker = begins_with_marker
        self.meta = SimpleNamespace(events=SimpleNamespace(register=lambda *_, **__: None))
        self.lock, self.requests, self.in_flight, self.most = Lock(), [], 0, 0

    def list_object_versions(self, Prefix, KeyMarker="", VersionIdMarker=None, **_):
        with self.lock:
            self.requests.append(KeyMarker)
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
        try:
            time.sleep(self.seconds())
            with self.lock:
                return {"Answer": self.answer(Prefix, KeyMarker, VersionIdMarker).encode()}
        finally:
            with self.lock:
                self.in_flight -= 1

    def answer(self, prefix, marker, version_marker):
        keys = sorted(key for key in self.versions if key.startswith(prefix))
        inclusive = version_marker or self.begins_with_marker
        start = bisect_left(keys, marker) if inclusive else bisect_right(keys, marker)
        entries, last = [], None
        for key in keys[start:]:
            newest = abs(self.versions[key])
            for version in range(newest, 0, -1):
                if key == marker and version_marker and version >= int(version_marker):
                    continue
                if len(entries) == self.page_keys:
                    return page(entries, last)
                is_deleted = version == newest and self.versions[key] < 0
                form = DELETE_MARKER if is_deleted else VERSION
                latest = str(version == newest).lower()
                entries.append(form.format(key=quote(key), version=version, latest=latest))
                last = key, version
        return page(entries, None)


def page(entries, last):
    truncated = "<IsTruncated>false</IsTruncated>"
    if last:
        truncated = (
            f"<IsTruncated>true</IsTruncated><NextKeyMarker>{escape(quote(last[0]))}"
            f"</NextKeyMarker><NextVersionIdMarker>{last[1]}</NextVersionIdMarker>"
        )
    return (
        '<ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<EncodingType>url</EncodingType>{truncated}{''.join(entries)}</ListVersionsResult>"
    )


@contextmanager
def eager():
    """Parts at each page, however few are left."""
    with ExitStack() as stack:
        for name, value in {"ALONE": 1, "EACH": 1, "LEAST": 0}.items():
            stack.enter_context(patch.object(folder_lister, name, value))
        yield


def listed(bucket):
    numbers = count()
    with TemporaryDirectory() as folder:

        def spool(rows):
            return Spool(Path(folder) / str(next(numbers)), LISTED_SCHEMA, rows)

        with FolderLister(Lister(bucket, "b"), spool) as lister:
            spools = lister.list(FOLDER)
        rows = [row for each in spools for batch in each.batches() for row in batch.to_pylist()]
    return [(row["key"], row["version_id"], row["size"]) for row in rows]


def current(versions):
    keys = sorted((key for key in versions if key.startswith(FOLDER)), key=str.encode)
    return [(key, str(versions[key]), versions[key]) for key in keys if versions[key] > 0]


KINDS = [1, 1, 1, 2, 3, -1, -2]
seeds = st.integers(0, 2**32)


def dense(count, seed):
    """So many of the few keys of few characters: boundaries often are keys."""
    chance = random.Random(seed)
    names = ("".join(chance.choices("ab", k=chance.randint(0, 6))) for _ in range(count))
    return {f"{FOLDER}{name}": chance.choice(KINDS) for name in names}


any_keys = st.text(st.characters(codec="utf-8"), max_size=3).map(FOLDER.__add__)
versions = st.dictionaries(any_keys, st.sampled_from(KINDS), max_size=60) | st.builds(
    dense, st.integers(30, 200), seeds
)


@given(versions, st.integers(1, 4), seeds, st.booleans())
def test_parts_give_what_one_sequence_gives_whatever_the_timing(stored, page_keys, seed, begins):
    chance = random.Random(seed)
    beside = {"drops/d1/ca": 1, "drops/d1/cat": 1, "drops/d1/cat0": 1}
    bucket = Bucket(stored | beside, page_keys, lambda: chance.choice([0, 0, 0.001]), begins)
    with eager():
        assert listed(bucket) == current(stored)


def layouts():
    chance = random.Random(3)
    return {
        "numbers": [f"img_{n:07d}.jpg" for n in range(900)],
        "numbers of any length": [f"img{n}.jpg" for n in range(900)],
        "digests": [f"{chance.getrandbits(128):032x}" for _ in range(900)],
        "a long beginning": [f"{'0' * 900}{n:06d}" for n in range(900)],
        "a cluster": ["a", "b", "zz", *(f"m/m/m/{n:04d}" for n in range(900))],
        "two clusters": [f"{start}{n:09d}" for start in ("a", "z") for n in range(450)],
        "other scripts": [
            "".join(chance.choices("犬éü😀\uffffz\U0010ffff", k=6)) for _ in range(900)
        ],
        "control characters": [
            "".join(chance.choices("\x01\t\n\x7f a%+&<", k=5)) for _ in range(900)
        ],
    }


@pytest.mark.parametrize("name", layouts())
def test_any_layout_is_listed_by_many_at_once(name):
    stored = {f"{FOLDER}{key}": 1 for key in layouts()[name]}
    bucket = Bucket(stored, 5, lambda: 0.002)
    assert listed(bucket) == current(stored)
    assert 4 < bucket.most <= CONNECTIONS


@pytest.mark.parametrize("keys", [0, 1, 5, 19, 20])
def test_a_folder_of_up_to_four_pages_costs_no_further_request(keys):
    stored = {f"{FOLDER}{n:05d}": 1 for n in range(keys)}
    bucket = Bucket(stored, 5)
    assert listed(bucket) == current(stored)
    assert len(bucket.requests) == max(1, -(-keys // 5))


@given(seeds)
def test_keys_that_stay_are_listed_once_while_others_come_and_go(seed):
    chance = random.Random(seed)
    keys = [f"{FOLDER}{''.join(chance.choices('abc', k=5))}" for _ in range(150)]
    stay, go = dict.fromkeys(keys[::2], 1), dict.fromkeys(keys[1::2], 1)
    bucket = Bucket(stay | go, 3)

    def change():
        key = chance.choice(keys[1::2])
        with bucket.lock:
            if key not in stay and not bucket.versions.pop(key, None):
                bucket.versions[key] = 1
        return 0

    bucket.seconds = change
    with eager():
        found = [key for key, *_ in listed(bucket)]
    assert max(Counter(found).values()) == 1
    assert [key for key in found if key in stay] == sorted(stay)


@settings(max_examples=20)
@given(st.integers(1, 60), seeds)
def test_an_error_of_one_request_is_raised_and_ends_all_parts(number, seed):
    chance = random.Random(seed)
    bucket = Bucket({f"{FOLDER}{n:05d}": 1 for n in range(800)}, 2)
    numbers = count(1)

    def fail():
        if next(numbers) == number:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "ListObjectVersions")
        return chance.choice([0.001, 0.002])

    bucket.seconds = fail
    with eager(), pytest.raises(ClientError, match="AccessDenied"):
        listed(bucket)
    # Of 400: those in flight, and a few that began before the others knew.
    assert len(bucket.requests) < number + 4 * CONNECTIONS
