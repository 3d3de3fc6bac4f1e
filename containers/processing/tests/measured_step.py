"""CreateManifests with the arguments given; prints its peak memory in KiB."""

import json
import sys
from pathlib import Path

from processing.create_manifests import create_manifests

create_manifests(sys.argv[2:], Path(sys.argv[1]))
# Not ru_maxrss, which begins with that of the parent process.
status = Path("/proc/self/status").read_text()
print(json.dumps({"peak": int(status.partition("VmHWM:")[2].split()[0])}))
