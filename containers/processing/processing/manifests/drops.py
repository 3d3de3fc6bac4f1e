"""Which drops are complete, and which of them are sound."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from processing.container import UserError
from processing.manifests.drop_files import MARKER, WRITE_AGAIN, DropFile, sort_out
from processing.manifests.s3 import (
    CONNECTIONS,
    S3Client,
    StoredObject,
    current_objects,
    read_object,
)
from processing.manifests.settings import S3Folder
from processing.parallel import ordered_map


@dataclass(frozen=True)
class Drop:
    """A complete drop."""

    id: str
    files: tuple[DropFile, ...]


@dataclass
class Drops:
    """Complete drops by id, ids of those without a marker, and what was odd, in sentences."""

    complete: list[Drop] = field(default_factory=list)
    incomplete: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def files(self) -> list[DropFile]:
        """Every file that counts, sorted by key."""
        return sorted((f for drop in self.complete for f in drop.files), key=lambda f: f.stored.key)


def list_drops(s3: S3Client, folder: S3Folder, started_by: str) -> Drops:
    """Reads all complete drops below `folder`.

    The drop that started the run must be sound: UserError when its marker is missing, it is empty,
    a file lies outside a class folder or it differs from its index. An earlier drop may have lost
    files since it was complete, so there the same is a warning, and such files are left out.
    """
    contents = _by_drop(current_objects(s3, folder), folder.prefix)
    marked = sorted(drop_id for drop_id, stored in contents.items() if MARKER in stored)
    if started_by not in marked:
        raise UserError(
            f'Drop "{started_by}" is not complete: {folder.uri}{started_by}/{MARKER} is missing; '
            "upload the drop's files and then this marker."
        )
    drops = Drops(incomplete=sorted(contents.keys() - set(marked)))
    markers = ordered_map(
        lambda drop_id: read_object(s3, folder.bucket, contents[drop_id][MARKER]),
        marked,
        CONNECTIONS,
    )
    for drop_id, marker in zip(marked, markers, strict=True):
        _add(drops, drop_id, contents[drop_id], marker, strict=drop_id == started_by)
    return drops


def _by_drop(
    objects: Iterable[StoredObject], prefix: str
) -> defaultdict[str, dict[str, StoredObject]]:
    contents: defaultdict[str, dict[str, StoredObject]] = defaultdict(dict)
    for stored in objects:
        drop_id, slash, name = stored.key.removeprefix(prefix).partition("/")
        # The S3 console makes an empty object "folder/" for a folder.
        if slash and not name.endswith("/") and name:
            contents[drop_id][name] = stored
    return contents


def _add(
    drops: Drops, drop_id: str, contents: dict[str, StoredObject], marker: bytes, *, strict: bool
) -> None:
    found = sort_out(drop_id, contents, marker)
    if strict and found.problems:
        raise UserError(
            f'Drop "{drop_id}" cannot be used: {found.problems[0]}{_and_more(found.problems)}.'
        )
    if strict and not found.files:
        raise UserError(
            f'Drop "{drop_id}" holds no images: upload them as <class label>/<file> {WRITE_AGAIN}.'
        )
    if found.problems:
        drops.warnings.append(
            f'Drop "{drop_id}" is used in part: {found.problems[0]}{_and_more(found.problems)}.'
        )
    if found.hidden:
        drops.warnings.append(
            f'Drop "{drop_id}": {len(found.hidden)} files are ignored because a part of their name '
            f'begins with "_" or "." (first: "{found.hidden[0]}").'
        )
    drops.complete.append(Drop(drop_id, found.files))


def _and_more(problems: tuple[str, ...]) -> str:
    return f" (and {len(problems) - 1} more such problems)" if len(problems) > 1 else ""
