"""What a host says of its work: the files that give no record, and how many records it wrote."""

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from processing.common.container import Channel, UserError, quoted, write_json

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
class ShardSize:
    """How many records a shard holds, and the size of its file in bytes."""

    records: int
    bytes: int


def write_report(
    path: Path,
    host: str,
    channels: Mapping[Channel, ShardSize],
    reasons: Mapping[str, int],
    seconds: float,
) -> None:
    """Writes as JSON what docs/contracts has: shards, files put aside by reason, time."""
    content = {
        "schema": 2,
        "host": host,
        "channels": {channel: asdict(shard) for channel, shard in channels.items()},
        "quarantined": sum(reasons.values()),
        "reasons": dict(sorted(reasons.items())),
        "seconds": round(seconds, 3),
    }
    write_json(path, content)
