"""Checkpoints that survive any death: written whole or not at all, by rank 0 alone.

SageMaker copies the folder to S3 while the job runs, and brings it to every host of the next one.
https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html

As many workers go on to the same bits. Any other number goes on too: what workers have of their own
is averaged or begun anew, and each record of the interrupted epoch is still read once.
"""

import errno
import json
import logging
import os
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import horovod.tensorflow as hvd
import keras
import numpy as np

from training.common.container import UserError
from training.data.order import Rest
from training.progress import EarlyStopping, Progress, Totals

_SCHEMA = 2
_OWN = ("random", "statistics")
# Two in turn: one is whole while the other is replaced, and S3 keeps no more than these.
_NAMES = ("checkpoint-0.npz", "checkpoint-1.npz")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class State:
    """What a checkpoint is of.

    Attributes:
        variables: network and optimiser, equal on all workers.
        random: states of generators of random numbers, each worker's own.
        statistics: moving means, each worker's own until the epoch ends.
        progress: changed in place when a checkpoint is restored.
        facts: what has to be the same for a checkpoint to fit, such as the network's name.
    """

    variables: Sequence[keras.Variable]
    random: Sequence[keras.Variable]
    statistics: Sequence[keras.Variable]
    progress: Progress
    facts: Mapping[str, Any]


def save(folder: Path, state: State) -> None:
    """Every worker has to call it after the same step; rank 0 writes.

    Raises:
        UserError: the folder can't be written.
    """
    progress, best = state.progress, state.progress.early_stopping
    own = {
        "read": progress.read,
        "totals": asdict(progress.totals),
        **{kind: [np.asarray(each) for each in getattr(state, kind)] for kind in _OWN},
    }
    of_ranks = hvd.allgather_object(own, name="checkpoint")
    if hvd.rank() != 0:
        return
    described = {
        "schema": _SCHEMA,
        "facts": dict(state.facts),
        "epoch": progress.epoch,
        "step": progress.step,
        "rest": {"facts": progress.rest.facts, "firsts": progress.rest.firsts},
        "ended": progress.ended,
        "history": progress.history,
        "best": {"loss": best.best_loss, "epoch": best.best_epoch},
        "ranks": [{"read": rank["read"], "totals": rank["totals"]} for rank in of_ranks],
    }
    arrays = {f"variable-{i}": np.asarray(v) for i, v in enumerate(state.variables)}
    arrays |= {
        f"{kind}-{rank}-{i}": value
        for rank, state_of_rank in enumerate(of_ranks)
        for kind in _OWN
        for i, value in enumerate(state_of_rank[kind])
    }
    arrays |= {f"best-{i}": value for i, value in enumerate(best.best_weights)}
    if progress.rest.read is not None:
        arrays["read"] = progress.rest.read
    _write(folder, json.dumps(described), arrays)


def restore(folder: Path, state: State) -> int:
    """Puts the newest whole checkpoint of `folder` into `state`.

    Each worker reads it: SageMaker brings the same files to every host.

    Returns:
        How many workers wrote it; 0 where there is none.

    Raises:
        UserError: it belongs to another training.
    """
    found = _newest(folder)
    # A host may have been brought fewer files, or a broken one: all go on from the same.
    mine = found and (found[0]["epoch"], found[0]["step"])
    steps = hvd.allgather_object(mine, name="found_checkpoints")
    if steps[0] is None:
        return 0
    if any(step != steps[0] for step in steps):
        raise UserError(
            f"The hosts found different checkpoints in {folder}, {steps}: SageMaker must bring the "
            "same files to all, so look into CheckpointConfig."
        )
    assert found is not None  # noqa: S101 - as steps say
    described, arrays = found
    _check(described["facts"], state.facts, folder)
    for i, variable in enumerate(state.variables):
        variable.assign(arrays[f"variable-{i}"])
    workers = len(described["ranks"])
    for i, variable in enumerate(state.statistics):
        of_ranks = [arrays[f"statistics-{rank}-{i}"] for rank in range(workers)]
        variable.assign(of_ranks[hvd.rank()] if workers == hvd.size() else np.mean(of_ranks, 0))
    # Whoever is new keeps the random numbers that it was begun with.
    for i, variable in enumerate(state.random if hvd.rank() < workers else ()):
        variable.assign(arrays[f"random-{hvd.rank()}-{i}"])
    _continue(state.progress, described, _own(described["ranks"]), arrays)
    return workers


def _own(ranks: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What this worker goes on from: its own, and the records of ranks that are no more."""
    mine = ranks[hvd.rank() :: hvd.size()]
    totals = dict(ranks[hvd.rank() % len(ranks)]["totals"])
    totals["records"] = sum(each["totals"]["records"] for each in mine)
    epochs = len(ranks[0]["read"])
    read = [sum(each["read"][epoch] for each in mine) for epoch in range(epochs)]
    return {"totals": totals, "read": read}


def _continue(
    progress: Progress,
    described: Mapping[str, Any],
    own: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    best = [arrays[f"best-{i}"] for i in range(sum(name.startswith("best-") for name in arrays))]
    progress.epoch, progress.step = described["epoch"], described["step"]
    rest = described["rest"]
    progress.rest = Rest(rest["facts"], tuple(rest["firsts"]), arrays.get("read"))
    progress.ended, progress.history = described["ended"], described["history"]
    progress.read, progress.totals = own["read"], Totals(**own["totals"])
    progress.early_stopping = EarlyStopping(
        progress.early_stopping.patience,
        described["best"]["loss"],
        described["best"]["epoch"],
        best,
    )


def _check(saved: Mapping[str, Any], wanted: Mapping[str, Any], folder: Path) -> None:
    for name, value in wanted.items():
        if saved.get(name) != value:
            raise UserError(
                f"The checkpoint in {folder} was made with {name} {saved.get(name)!r}, and this "
                f"job has {value!r}: give the job the same, or another S3Uri in its "
                "CheckpointConfig."
            )


def _newest(folder: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    whole = [found for name in _NAMES if (found := _read(folder / name)) is not None]
    return max(whole, key=lambda found: _place(found[0]), default=None)


def _place(described: Mapping[str, Any]) -> tuple[int, int, bool]:
    return described["epoch"], described["step"], described["ended"]


def _read(file: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]] | None:
    if not file.exists():
        return None
    try:
        # A zip archive checks each of its members against a checksum.
        with np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        described = json.loads(str(arrays.pop("described")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        logger.warning("The checkpoint %s is not whole (%s) and is passed over.", file, error)
        return None
    if described["schema"] != _SCHEMA:
        logger.warning(
            "The checkpoint %s is of another version of this program and is passed over.", file
        )
        return None
    return described, arrays


def _write(folder: Path, described: str, arrays: Mapping[str, np.ndarray]) -> None:
    newest = {name: _described(folder / name) for name in _NAMES}
    older = min(_NAMES, key=lambda name: newest[name])
    # Beside the folder: whatever lies in it SageMaker may upload at any moment, half of a file too.
    new = folder.with_name(f".{folder.name}.npz")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            np.savez(file, described=np.array(described), **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        _move(new, folder / older)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise UserError(
            f"The checkpoint cannot be written to {folder}: {error.strerror}; give the job a "
            "larger volume."
        ) from error


def _move(new: Path, place: Path) -> None:
    """Puts `new` whole in its place, also where that is another mount."""
    try:
        new.replace(place)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = place.with_name(".new.npz")
        with new.open("rb") as source, beside.open("wb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        beside.replace(place)
        new.unlink()


def _described(file: Path) -> tuple[int, int, bool]:
    """Where a checkpoint stands; before everything where there is none, or no whole one."""
    try:
        with np.load(file, allow_pickle=False) as archive:
            return _place(json.loads(str(archive["described"])))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return (-1, -1, False)
