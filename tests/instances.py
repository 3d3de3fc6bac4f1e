"""The instances of a rehearsal's jobs, as processes of this machine."""

from __future__ import annotations

from pathlib import Path


def process_of(job_folder: Path, host: str) -> int | None:
    """The machine's process id of a host's outermost process; None when the host does not run.

    Killing it stands for the loss of the instance. Its command line is `unshare`'s, with the job's
    `containers.json` and the host's index at its end.

    Args:
        job_folder: `jobs/processing-<job name>` in the rehearsal's state folder.
        host: `algo-1`, `algo-2`, …
    """
    ending = [str(job_folder / "containers.json"), str(int(host.removeprefix("algo-")) - 1)]
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").rstrip("\0").split("\0")
        except OSError:
            continue
        if words[0] == "unshare" and words[-2:] == ending:
            return int(path.parent.name)
    return None
