"""What is no longer encrypted, or no longer by a key of one's own."""

from collections.abc import Iterable, Iterator

from scripts.reviews.differences import Row
from scripts.reviews.document import Entry, Finding

_TELLING = ("Kms", "KMS", "Encrypt", "SSE", "Sse")


def encryption_findings(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Of properties and arguments that name encryption and are gone, or off."""
    for entry in entries:
        for row in entry.rows:
            if (
                row.before is not None
                and any(word in row.path for word in _TELLING)
                and _is_off(row)
            ):
                yield Finding("encryption-loss", f"{entry.text}: {row.path} was {row.before}")


def _is_off(row: Row) -> bool:
    is_gone = row.after is None
    return is_gone or (row.before == "true" and row.after == "false")
