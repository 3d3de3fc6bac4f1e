"""The image files that SageMaker has brought to this host."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from processing.channels import Channel


@dataclass(frozen=True)
class SourceFile:
    """A file of a channel; `key` is its manifest entry, `<drop id>/<class label>/<file>`."""

    path: Path
    key: str
    channel: Channel


def list_files(root: Path, channel: Channel, seed: int) -> list[SourceFile]:
    """Files of a channel on this host in the order of their records; none if there is no folder.

    The order follows from the seed and each key alone, so classes and drops are mixed, and the
    same files give the same shard.
    """
    folder = root / "processing" / "input" / channel
    files = [
        SourceFile(path, path.relative_to(folder).as_posix(), channel)
        for path in folder.rglob("*")
        if path.is_file()
    ]
    return sorted(files, key=lambda file: (_shuffled(file.key, seed), file.key))


def read_labels(root: Path) -> dict[str, int]:
    """Encoded label by class label, from the `labels` input."""
    path = root / "processing" / "input" / "labels" / "labels.json"
    labels = json.loads(path.read_text(encoding="utf-8"))["labels"]
    return {label: index for index, label in enumerate(labels)}


def _shuffled(key: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{key}".encode()).digest()
