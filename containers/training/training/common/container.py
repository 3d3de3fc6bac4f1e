"""SageMaker's contract with the container: folders, why a job failed, and SIGTERM.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
"""

import signal
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

LOST_PEERS = 75
"""Exit status of a worker that stopped only because Horovod lost another one."""
STOPPED = 143
"""Exit status of a process that was asked to stop and did, as a shell tells SIGTERM (128 + 15)."""


class UserError(Exception):
    """The message is one sentence: what is wrong, where, what to do."""


class Stopped(Exception):  # noqa: N818 - no error: somebody asked for it
    """The job was asked to stop."""


def operation(name: str) -> str:
    """The name of an operation of Horovod, such that its errors tell that they are Horovod's."""
    return f"Horovod_{name}"


def is_lost_peers(error: Exception) -> bool:
    """Once one worker is gone, Horovod's operations fail on all others.

    In a graph that is an error of TensorFlow, which names the operation.
    """
    names = {kind.__name__ for kind in type(error).__mro__}
    return "HorovodInternalError" in names or ("OpError" in names and "Horovod" in str(error))


def explain_failure(file: Path, text: str) -> None:
    """Writes why the job failed, unless another process of this host was first.

    SageMaker shows the first 1,024 characters of it as FailureReason.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), file.open("x", encoding="utf-8") as failure:
        failure.write(text)


OPT_ML = Path("/opt/ml")


class Folders:
    """The folders of one host, below `root`.

    Attributes:
        config: where SageMaker writes hyperparameters and hosts.
        model: what SageMaker packs as the model.
        staging: where a model is made before it is moved to `model`: SageMaker leaves it alone.
        data: what SageMaker packs beside the model.
        checkpoints: what SageMaker copies to S3 while the job runs.
        failure: SageMaker shows it as FailureReason.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.config = root / "input" / "config"
        self.model = root / "model"
        self.staging = root / ".model"
        self.data = root / "output" / "data"
        self.checkpoints = root / "checkpoints"
        self.tensorboard = root / "output" / "tensorboard"
        self.failure = root / "output" / "failure"

    def channel(self, name: str) -> Path:
        """The files of an input channel."""
        return self.root / "input" / "data" / name


class Stop:
    """Remembers that it was asked to, by SIGTERM or Ctrl-C; `pause` is where it takes effect."""

    def __init__(self) -> None:
        self.asked = False

    def listen(self) -> None:
        """From the main thread. As process 1 of a container a default handler would do nothing."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def pause(self, seconds: float) -> None:
        """Sleeps, unless the signal came.

        Raises:
            Stopped: the job was asked to stop.
        """
        if not self.asked:
            time.sleep(seconds)
        if self.asked:
            raise Stopped

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
