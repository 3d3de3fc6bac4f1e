"""Addresses of S3, `s3://bucket/key`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class S3Uri:
    """A bucket, and a key or the start of keys. `#`, `?` and `%` mean themselves: it is no URL."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> S3Uri:
        """Reads `s3://bucket` or `s3://bucket/key`.

        Raises:
            ValueError: `text` names no bucket of S3.
        """
        scheme, _, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise ValueError(f"'{text}' is no S3 URI: write s3://<bucket>/<prefix>.")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    def child(self, relative: str) -> S3Uri:
        """`relative` below this address, with one slash between."""
        start = self.key if not self.key or self.key.endswith("/") else f"{self.key}/"
        return S3Uri(self.bucket, start + relative)
