"""A worker's process: it trains, says why it failed, and never outlives its launcher.

Arguments: the root of SageMaker's folders, the launcher's process id.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import traceback
from pathlib import Path

from training.errors import LOST_PEERS, UserError, explain_failure
from training.folders import Folders

_PR_SET_PDEATHSIG = 1


def main(root: Path) -> int:
    """Gives the exit code; what failed is printed and stands in the failure file."""
    folders = Folders(root)
    try:
        # Here, so that a TensorFlow that does not load is explained too.
        from training.train import train  # noqa: PLC0415

        train(folders)
    except UserError as error:
        print(error, flush=True)
        explain_failure(folders.failure, str(error))
        return 1
    except Exception as error:  # noqa: BLE001 - the traceback is what the job's owner needs
        text = traceback.format_exc()
        print(text, flush=True)
        if _lost_peers(error):
            return LOST_PEERS
        explain_failure(folders.failure, text)
        return 1
    return 0


def _lost_peers(error: Exception) -> bool:
    """Once one worker is gone, Horovod's operations fail on all others.

    In a graph that is an error of TensorFlow, which names the operation.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    return "HorovodInternalError" in names or ("OpError" in names and "Horovod" in str(error))


def _die_with(launcher: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:
        sys.exit("The launcher is gone.")


if __name__ == "__main__":
    _die_with(int(sys.argv[2]))
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.exit(code)
