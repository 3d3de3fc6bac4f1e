"""Where a rehearsal keeps its state and where it listens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RehearsalSettings:
    """One rehearsal.

    :param state: folder of everything that the rehearsal knows; deleting it forgets all.
    :param cache: folder of environments and wheels, shared by all rehearsals of this user.
    :param port: TCP port on 127.0.0.1 of the one endpoint URL.
    :param region: the region that the rehearsal says it is.
    :param account: the account number that the rehearsal says it is.
    """

    state: Path
    cache: Path
    port: int
    region: str = "us-east-1"
    account: str = "000000000000"

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"
