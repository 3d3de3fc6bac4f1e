"""Addresses of S3."""

from __future__ import annotations

import pytest

from rehearsal.s3_uri import S3Uri


@pytest.mark.parametrize("key", ["a#1.jpg", "a?b", "a%20b", "/leads", "a//b", "", "s3://x", "ü"])
def test_a_key_is_what_follows_the_bucket_whatever_is_in_it(key: str) -> None:
    found = S3Uri.parse(f"s3://bucket/{key}")
    assert (found.bucket, found.key, str(found)) == ("bucket", key, f"s3://bucket/{key}")


@pytest.mark.parametrize("text", ["", "s3://", "s3:///key", "https://bucket/key", "bucket/key"])
def test_what_names_no_bucket_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no S3 URI: write s3://"):
        S3Uri.parse(text)
