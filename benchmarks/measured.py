"""What every measured program prints: its seconds, its peak memory and how much it did.

Needs nothing but Python, as it runs in several environments.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def measured(**facts: object) -> Iterator[dict[str, object]]:
    """Times a block, imports apart; more facts may be added to what it yields.

    The peak is of the whole process, in KiB, imports too.
    """
    started = time.perf_counter()
    yield facts
    seconds = time.perf_counter() - started
    # Not ru_maxrss, which begins with that of the parent process.
    peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    print(json.dumps({"seconds": seconds, "peak": peak, **facts}))
