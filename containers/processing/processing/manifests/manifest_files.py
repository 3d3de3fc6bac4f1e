"""SageMaker's manifests of the three channels.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

import json
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from processing.channels import CHANNELS
from processing.manifests.settings import S3Folder
from processing.manifests.split import Codes

SEPARATOR = b',\n "'


class ManifestWriter:
    """Writes `<channel>.manifest` below `folder`: the drops' folder as prefix, then each object."""

    def __init__(self, folder: Path, drops: S3Folder) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._prefix = len(drops.prefix.encode())
        self._files = [(folder / f"{channel}.manifest").open("wb") for channel in CHANNELS]
        for file in self._files:
            file.write(b"[\n " + json.dumps({"prefix": drops.uri}, ensure_ascii=False).encode())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for file in self._files:
            file.write(b"\n]\n")
            file.close()

    def append(self, keys: pa.StringArray, channels: Codes) -> None:
        """Adds objects by their whole keys, each to its channel (index of CHANNELS)."""
        entries = pc.binary_replace_slice(keys.cast(pa.binary()), 0, self._prefix, SEPARATOR)
        if _has_to_be_escaped(_bytes(keys)):
            entries = pa.array([_escaped(entry) for entry in entries.to_pylist()], pa.binary())
        for code, file in enumerate(self._files):
            chosen = entries.filter(pa.array(channels == code))
            if len(chosen):
                file.write(_closed(chosen))


def _closed(entries: pa.BinaryArray) -> memoryview:
    """The bytes of all entries, each followed by its closing quotation mark."""
    lines = pc.binary_join_element_wise(entries, pa.scalar(b""), pa.scalar(b'"'))
    return _bytes(lines).data


def _bytes(strings: pa.Array) -> npt.NDArray[np.uint8]:
    """The bytes of all strings, one after the other."""
    _, offsets, values = strings.buffers()
    bounds = np.frombuffer(offsets, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    return np.frombuffer(values, np.uint8)[bounds[0] : bounds[-1]]


def _has_to_be_escaped(text: npt.NDArray[np.uint8]) -> bool:
    """Whether JSON writes some of it otherwise than it is (RFC 8259, section 7)."""
    return bool(((text < ord(" ")) | (text == ord('"')) | (text == ord("\\"))).any())


def _escaped(entry: bytes) -> bytes:
    name = entry.removeprefix(SEPARATOR).decode()
    return SEPARATOR[:-1] + json.dumps(name, ensure_ascii=False).encode()[:-1]
