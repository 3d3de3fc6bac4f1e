"""What one rehearsal is told: where it keeps its things and where it listens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

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

    :param state: folder of this rehearsal's own data; whoever deletes it starts afresh.
    :param cache: folder that rehearsals share, e.g. the images' environments.
    :param port: where all of AWS answers, on 127.0.0.1.
    """

    state: Path
    cache: Path
    port: int
    region: str = "us-east-1"
    account: str = "000000000000"

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"
