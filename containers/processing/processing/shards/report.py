"""What a host says of its work: the files that give no record, and what it wrote of the others."""

import json
import logging
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from processing.common.container import Channel, UserError, quoted, write_json
from processing.shards.encoding import Encoding
from processing.shards.fairness import Fairness

EXAMPLES = 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Quarantined:
    """A file that gives no record: the reason, a clause, and the kind that it is counted by."""

    entry: str
    reason: str
    kind: str


class Quarantine:
    """Writes a line of JSON a file: `{"key": manifest entry, "channel", "reason"}`."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("w", encoding="utf-8")
        self._examples: dict[str, Quarantined] = {}
        self.reasons: Counter[str] = Counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def count(self) -> int:
        """How many files are listed."""
        return self.reasons.total()

    def append(self, channel: Channel, file: Quarantined) -> None:
        """Lists a file."""
        line = {"key": file.entry, "channel": channel, "reason": file.reason}
        self._file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.reasons[file.kind] += 1
        self._examples.setdefault(file.kind, file)
        logger.warning("Put aside: %s %s.", quoted(file.entry), file.reason)

    def refuse_above(self, maximum_share: float, files: int, host: str) -> None:
        """Refuses too many.

        Raises:
            UserError: more than this share of the host's `files` is listed.
        """
        if self.count <= maximum_share * files:
            return
        common = self.reasons.most_common()
        shown = "; ".join(
            f"{count}: {kind}, such as {quoted(self._examples[kind].entry)}"
            for kind, count in common[:EXAMPLES]
        )
        raise UserError(
            f"{self.count} of {files} files on {host} cannot be used, more than the share "
            f"{maximum_share:g} that MaximumQuarantinedShare allows "
            f"({shown}{'; …' if len(common) > EXAMPLES else ''}): repair or remove them, or raise "
            "the share."
        )


@dataclass(frozen=True)
class Shard:
    """What a host wrote of a channel.

    Attributes:
        bytes: of all files together.
        squared_errors: the mean one of each record whose pixels were compared with the image's.
        fairness: of the files against all of the host, and of the host against the others.
    """

    records: int
    bytes: int
    files: int
    squared_errors: Sequence[float]
    of_files: Fairness
    of_host: Fairness

    def describe(self) -> dict[str, Any]:
        """As the report has it."""
        return {
            "records": self.records,
            "bytes": self.bytes,
            "files": self.files,
            "bytes_per_record": round(self.bytes / self.records, 1) if self.records else None,
            "deviations": {"files": _rounded(self.of_files), "host": _rounded(self.of_host)},
        }


def _rounded(fairness: Fairness) -> dict[str, float]:
    return {name: round(value, 6) for name, value in vars(fairness).items()}


def write_report(  # noqa: PLR0913 - each is a part of the report
    path: Path,
    host: str,
    encoding: Encoding,
    channels: Mapping[Channel, Shard],
    *,
    reasons: Mapping[str, int],
    seconds: float,
) -> None:
    """Writes as JSON what docs/contracts has: shards, files put aside by reason, time."""
    errors = [error for shard in channels.values() for error in shard.squared_errors]
    content = {
        "schema": 3,
        "host": host,
        "encoding": {
            "name": encoding.name,
            "jpeg_quality": encoding.jpeg_quality if encoding.is_lossy else None,
            "jpeg_subsampling": encoding.jpeg_subsampling if encoding.is_lossy else None,
            "psnr_db": _psnr(errors),
            "compared_records": len(errors),
        },
        "channels": {channel: shard.describe() for channel, shard in channels.items()},
        "quarantined": sum(reasons.values()),
        "reasons": dict(sorted(reasons.items())),
        "seconds": round(seconds, 3),
    }
    write_json(path, content)


def _psnr(squared_errors: Sequence[float]) -> float | None:
    """Of the mean error, as one image without any would make a mean of their PSNRs endless."""
    if not sum(squared_errors):
        return None
    mean = math.fsum(squared_errors) / len(squared_errors)
    return round(10 * math.log10(255**2 / mean), 2)
