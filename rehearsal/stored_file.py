"""How S3 here tells where it keeps an object, so that a job may have it without a copy."""

import json
from dataclasses import asdict, dataclass
from typing import Self

CONTENT_TYPE = "application/vnd.shardwise.stored-file+json"
"""What GetObject is asked for (`ResponseContentType`) to be answered with a `HEADER` alone."""

HEADER = "x-rehearsal-stored-file"
"""Has a `StoredFile`; an S3 that isn't ours answers without."""


@dataclass(frozen=True)
class StoredFile:
    """The file that is an object's content: never written again, as who puts an object anew makes
    another file.

    Attributes:
        path: where it was when this was said; absolute.
        inode: tells whether what is there later is still this file.
    """

    path: str
    inode: int

    @classmethod
    def read(cls, content: str) -> Self:
        """What `written` wrote."""
        return cls(**json.loads(content))

    def written(self) -> str:
        """As a header's value, in ASCII."""
        return json.dumps(asdict(self))
