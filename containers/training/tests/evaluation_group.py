"""As group.py, with EvaluateModel on each host.

Usage: python evaluation_group.py FOLDER HOSTS WORKERS_PER_HOST
"""

import sys
from pathlib import Path

import group

LAUNCH = """
import socket, sys
from pathlib import Path
from training.evaluate_model import main
socket.sethostname(sys.argv[2])
sys.exit(main(["--workers-per-host", "{workers}"], Path(sys.argv[1])))
"""

if __name__ == "__main__":
    group.LAUNCH = LAUNCH.format(workers=sys.argv[3])
    sys.exit(group.main(Path(sys.argv[1]), int(sys.argv[2])))
