"""A host's report: how many records it wrote, and why it put files aside."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from processing.channels import Channel
from processing.json_file import write_json


@dataclass(frozen=True)
class ShardSize:
    """How many records a shard holds, and the size of its file in bytes."""

    records: int
    bytes: int


@dataclass(frozen=True)
class Report:
    """What architecture.md describes. reasons: files put aside by reason; seconds: of the step."""

    host: str
    channels: Mapping[Channel, ShardSize]
    reasons: Mapping[str, int]
    seconds: float

    def write(self, path: Path) -> None:
        """Writes it as JSON."""
        content = {
            "schema": 2,
            "host": self.host,
            "channels": {channel: asdict(shard) for channel, shard in self.channels.items()},
            "quarantined": sum(self.reasons.values()),
            "reasons": dict(sorted(self.reasons.items())),
            "seconds": round(self.seconds, 3),
        }
        write_json(path, content)
