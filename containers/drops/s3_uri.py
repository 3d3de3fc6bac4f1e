"""Addresses of S3, `s3://bucket/key`."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class S3Uri:
    """A bucket and what follows it: any characters, `#`, `?` and `%` too, mean themselves."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads an address.

        Raises:
            ValueError: `text` names no bucket of S3.
        """
        scheme, _, rest = text.partition("://")
        bucket, _, key = rest.partition("/")
        if scheme != "s3" or not bucket:
            raise ValueError(f"{text!r} is no address of S3: give s3://<bucket>/<key>.")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"
