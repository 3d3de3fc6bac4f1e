"""Which drops are complete."""

from dataclasses import dataclass

from drops.names import refusal_of_drop_id
from processing.manifests.listing import Lister
from processing.manifests.s3 import CONNECTIONS, StoredObject
from processing.manifests.settings import S3Folder
from processing.parallel import ordered_map

MARKER = "_SUCCESS"
WRITE_AGAIN = f"and write {MARKER} again"


@dataclass(frozen=True)
class Drop:
    """A complete drop; `prefix` is its whole key prefix, with the slash at its end."""

    id: str
    prefix: str
    marker: StoredObject


@dataclass(frozen=True)
class UnusedDrop:
    """A complete drop that waits for a person; the reason is a sentence."""

    id: str
    reason: str


@dataclass(frozen=True)
class Drops:
    """Complete drops in the order of their prefixes, ids of those without a marker, and those
    whose id is none.
    """

    complete: tuple[Drop, ...]
    incomplete: tuple[str, ...]
    refused: tuple[UnusedDrop, ...]


def find_drops(lister: Lister, folder: S3Folder) -> Drops:
    """All drops below `folder`."""
    prefixes = (
        prefix for page in lister.pages(folder.prefix, delimiter="/") for prefix in page.prefixes
    )
    complete, incomplete, refused = [], [], []
    for prefix, marker, has_objects in ordered_map(
        lambda prefix: _look_into(lister, prefix), prefixes, CONNECTIONS
    ):
        drop_id = prefix.removeprefix(folder.prefix).removesuffix("/")
        if marker is not None and (reason := refusal_of_drop_id(drop_id)):
            refused.append(UnusedDrop(drop_id, reason))
        elif marker is not None:
            complete.append(Drop(drop_id, prefix, marker))
        elif has_objects:
            incomplete.append(drop_id)
    return Drops(tuple(complete), tuple(incomplete), tuple(refused))


def is_drop(started_by: str) -> bool:
    """Whether a drop started the run. Drift of a model's answers, say, is named with a slash, which
    no drop has in its id: "drift/<model package group>/<version>".
    """
    return "/" not in started_by


def _look_into(lister: Lister, prefix: str) -> tuple[str, StoredObject | None, bool]:
    marker = lister.find(f"{prefix}{MARKER}")
    return prefix, marker, marker is not None or _has_objects(lister, prefix)


def _has_objects(lister: Lister, prefix: str) -> bool:
    # A prefix is also listed when all below it was deleted and only old versions are there.
    return any(
        not stored.key.endswith("/") for page in lister.pages(prefix) for stored in page.objects()
    )
