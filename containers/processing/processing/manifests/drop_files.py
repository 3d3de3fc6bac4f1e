"""Which files of one drop count, and what is odd about the others."""

from collections.abc import Iterator
from dataclasses import dataclass

from processing.manifests.drop_index import IndexedFile, parse_index
from processing.manifests.s3 import StoredObject

MARKER = "_SUCCESS"
WRITE_AGAIN = f"and write {MARKER} again"


@dataclass(frozen=True, slots=True)
class DropFile:
    """A file of a drop: `<class label>/<file>`, and its digest where the index gives one."""

    drop_id: str
    name: str
    stored: StoredObject
    sha256: str | None

    @property
    def class_label(self) -> str:
        return self.name.partition("/")[0]

    @property
    def entry(self) -> str:
        """The path below the drops' folder, as the manifests hold it."""
        return f"{self.drop_id}/{self.name}"


@dataclass(frozen=True)
class SortedOut:
    """A drop's files that count; problems as clauses; names that are ignored. Each sorted."""

    files: tuple[DropFile, ...]
    problems: tuple[str, ...]
    hidden: tuple[str, ...]


def sort_out(drop_id: str, contents: dict[str, StoredObject], marker: bytes) -> SortedOut:
    """Judges every object of a drop by its place and by the index in `marker`.

    contents: objects by their name relative to the drop, the marker among them.
    """
    shown = {name: contents[name] for name in sorted(contents) if not _is_hidden(name)}
    hidden = tuple(sorted(contents.keys() - shown.keys() - {MARKER}))
    images = {name: stored for name, stored in shown.items() if _is_in_class_folder(name)}
    problems = [
        f'"{name}" is not <class label>/<file>; move it into one class folder {WRITE_AGAIN}'
        for name in shown
        if name not in images
    ]
    try:
        index = parse_index(marker)
    except ValueError as error:
        problems.append(f"the index in its {MARKER} cannot be read: {error}; write it again")
        return SortedOut((), tuple(problems), hidden)
    if index is None:
        files = [DropFile(drop_id, name, stored, None) for name, stored in images.items()]
        return SortedOut(tuple(files), tuple(problems), hidden)
    differences = dict(_differences(index, contents, images))
    files = [
        DropFile(drop_id, name, stored, index[name].sha256)
        for name, stored in images.items()
        if name not in differences
    ]
    return SortedOut(tuple(files), (*problems, *differences.values()), hidden)


def _is_hidden(name: str) -> bool:
    return any(part.startswith(("_", ".")) for part in name.split("/"))


def _is_in_class_folder(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 2 and all(parts)


def _differences(
    index: dict[str, IndexedFile],
    contents: dict[str, StoredObject],
    images: dict[str, StoredObject],
) -> Iterator[tuple[str, str]]:
    for name in sorted(index.keys() | images.keys()):
        if name not in contents:
            yield name, f'"{name}" is in the index but was not found; upload it {WRITE_AGAIN}'
        elif name not in index:
            yield name, f'"{name}" is not in the index; add it there {WRITE_AGAIN}'
        elif contents[name].size != index[name].size:
            yield (
                name,
                f'"{name}" has {contents[name].size} bytes where the index says '
                f"{index[name].size}; upload it {WRITE_AGAIN}",
            )
