"""What one rehearsal is told: where it keeps its things and where it listens."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.modes import Modes

HOST = "127.0.0.1"
ANNOUNCEMENT = "environment.json"  # in the state folder; where a running server answers
LOCK = "server.lock"  # in the state folder; held by the server that uses it


def default_cache() -> Path:
    """The folder of things that are dear to make and belong to no rehearsal, as XDG has it."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "shardwise"


@dataclass(frozen=True)
class RehearsalSettings:
    """Settings of one server.

    Attributes:
        state: folder of this rehearsal's own data; whoever deletes it starts afresh.
        cache: folder that rehearsals share, e.g. the images' environments.
        port: where all of AWS answers, on 127.0.0.1.
        modes: in what it is less kind than it could be.
    """

    state: Path
    cache: Path
    port: int
    region: str = "us-east-1"
    account: str = "000000000000"
    modes: Modes = field(default_factory=Modes)

    @property
    def endpoint_url(self) -> str:
        """Where all of AWS answers."""
        return f"http://{HOST}:{self.port}"
