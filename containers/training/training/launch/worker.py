"""A worker's process: it works, says why it failed, and never outlives its launcher.

Arguments: the module whose `work` it calls, the root of SageMaker's folders, the failure file, the
launcher's process id.
"""

import ctypes
import gc
import importlib
import logging
import os
import signal
import sys
import traceback
from pathlib import Path
from types import ModuleType

from training.common.container import (
    LOST_PEERS,
    STOPPED,
    Stopped,
    UserError,
    explain_failure,
    is_lost_peers,
)

_PR_SET_PDEATHSIG = 1


def main(module: str, root: Path, failure: Path) -> int:
    """Gives the exit code; what failed is printed and stands in the failure file."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    try:
        _import(module).work(root)
    except UserError as error:
        print(error, flush=True)
        explain_failure(failure, str(error))
        return 1
    except Stopped:
        return STOPPED
    except Exception as error:  # noqa: BLE001 - the traceback is what the job's owner needs
        text = traceback.format_exc()
        print(text, flush=True)
        if is_lost_peers(error):
            return LOST_PEERS
        explain_failure(failure, text)
        return 1
    return 0


def _import(module: str) -> ModuleType:
    # In `main`, so that a TensorFlow that does not load is explained too. What it makes stays: to
    # look for garbage among it is a sixth of the time that it takes, and goes on at every step.
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _die_with(launcher: int) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != launcher:
        sys.exit("The launcher is gone.")


if __name__ == "__main__":
    _die_with(int(sys.argv[4]))
    code = main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    sys.stdout.flush()
    # Threads of TensorFlow and Horovod may wait for workers that are gone; all is written.
    os._exit(code) if code else sys.exit(0)
