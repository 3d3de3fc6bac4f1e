"""How many cores this container may use."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available_cores(cgroup: Path = CGROUP) -> int:
    """The cores that the process may be placed on, or fewer where the container has a quota.

    cgroup: the control group's folder (`cpu.max` of version 2, `cpu/cpu.cfs_*` of version 1).
    https://www.kernel.org/doc/html/latest/admin-guide/cgroup-v2.html#cpu-interface-files
    """
    cores = len(os.sched_getaffinity(0))
    quota = _quota(cgroup)
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def _quota(cgroup: Path) -> float | None:
    """Cores' worth of time that the container may take, None where it is not limited."""
    for words in (
        _words(cgroup / "cpu.max"),
        _words(cgroup / "cpu/cpu.cfs_quota_us") + _words(cgroup / "cpu/cpu.cfs_period_us"),
    ):
        # Without a limit, version 2 says "max" and version 1 says -1.
        if len(words) == 2 and all(word.isdecimal() for word in words):
            return int(words[0]) / int(words[1])
    return None


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []
