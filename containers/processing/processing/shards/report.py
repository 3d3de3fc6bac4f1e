"""A host's report: which records it wrote and which files it put aside."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from processing.channels import CHANNELS, Channel
from processing.container import UserError
from processing.json_file import write_json
from processing.shards.records import Quarantined


@dataclass
class Report:
    """Keys written by channel, in the order of the records, and what was put aside."""

    host: str
    written: dict[Channel, list[str]] = field(
        default_factory=lambda: {channel: [] for channel in CHANNELS}
    )
    quarantined: list[Quarantined] = field(default_factory=list)

    def write(self, path: Path, seconds: float) -> None:
        """Writes the report as architecture.md describes it."""
        channels = {
            channel: {"records": len(keys), "keys": keys} for channel, keys in self.written.items()
        }
        content = {
            "schema": 1,
            "host": self.host,
            "channels": channels,
            "quarantined": [asdict(file) for file in self.quarantined],
            "seconds": round(seconds, 3),
        }
        write_json(path, content)

    def refuse_above(self, maximum_share: float) -> None:
        """UserError when more than this share of the host's files was put aside."""
        aside = len(self.quarantined)
        total = aside + sum(len(keys) for keys in self.written.values())
        if aside <= maximum_share * total:
            return
        first = "; ".join(f'"{file.key}" {file.reason}' for file in self.quarantined[:3])
        raise UserError(
            f"{aside} of {total} files on {self.host} cannot be used, more than the share "
            f"{maximum_share:g} that MaximumQuarantinedShare allows ({first}"
            f"{'; …' if aside > 3 else ''}): repair or remove them, or raise the share."
        )
