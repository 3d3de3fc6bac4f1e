"""ShardImages on one host's /opt/ml, pictures of 224 x 224."""

import json
import shutil
import sys
from pathlib import Path

from benchmarks.measured import measured
from processing.shard_images import shard_images

root = Path(sys.argv[1])
shutil.rmtree(root / "processing" / "output", ignore_errors=True)
line = "--image-size 224 --maximum-quarantined-share 0 --compression none --memory-megabytes 512"
with measured() as facts:
    shard_images([*line.split(), "--seed", "7"], root)
    (report,) = (root / "processing" / "output" / "report").iterdir()
    facts["count"] = json.loads(report.read_text())["channels"]["train"]["records"]
