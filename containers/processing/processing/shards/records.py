"""How an image file becomes a record, or is put aside with a reason."""

from collections.abc import Mapping
from dataclasses import dataclass

from preprocessing import UnusableImage, decode
from processing.container import UserError
from processing.shards.source_files import SourceFile
from processing.shards.tfrecord_file import example


@dataclass(frozen=True)
class Quarantined:
    """A file that gives no record; `reason` is a clause, such as "is empty (0 bytes)"."""

    key: str
    channel: str
    reason: str


def record_of(file: SourceFile, labels: Mapping[str, int], size: int) -> bytes | Quarantined:
    """The record of a file, its image decoded to size x size pixels."""
    parts = file.key.split("/")
    if len(parts) != 3:
        return Quarantined(file.key, file.channel, "is not <drop id>/<class label>/<file>")
    if parts[1] not in labels:
        raise UserError(
            f'"{file.key}" lies in class folder "{parts[1]}", which labels.json does not name: '
            "give the job the labels.json of the same execution as its manifests."
        )
    try:
        pixels = decode(file.path.read_bytes(), size)
    except UnusableImage as unusable:
        return Quarantined(file.key, file.channel, str(unusable))
    return example(pixels.tobytes(), labels[parts[1]], file.key)
