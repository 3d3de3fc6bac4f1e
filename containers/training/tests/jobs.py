"""Makes and runs small training jobs: real launchers, real Horovod workers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Barrier

import numpy as np
import tensorflow as tf

from records.framing import framed
from records.index import IndexWriter
from training.data.channel import Share, Worker, find_share

SIZE = 8
PACKAGE = Path(__file__).resolve().parents[1]


def paths() -> str:
    """PYTHONPATH of a container's process: the package and those that it shares."""
    return os.pathsep.join([str(PACKAGE), str(Path(__file__).resolve().parents[2])])


def example(label: int, key: str) -> bytes:
    """A record whose picture tells its class by its brightness."""
    image = np.full((SIZE, SIZE, 3), 200 if label else 40, np.uint8)

    def feature(**value: tf.train.BytesList | tf.train.Int64List) -> tf.train.Feature:
        return tf.train.Feature(**value)

    features = {
        "image": feature(bytes_list=tf.train.BytesList(value=[image.tobytes()])),
        "label": feature(int64_list=tf.train.Int64List(value=[label])),
        "key": feature(bytes_list=tf.train.BytesList(value=[key.encode()])),
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def index_of(folder: Path) -> Path:
    """Where the indexes of a channel lie."""
    return folder.parent / "index" / folder.name


def write_files(folder: Path, files: Sequence[Sequence[tuple[bytes, int]]]) -> None:
    """TFRecord files of examples and their labels, each with its index, also where it has none."""
    index = index_of(folder)
    for made in (folder, index):
        made.mkdir(parents=True, exist_ok=True)
    for number, examples in enumerate(files):
        name = f"{folder.name}-{number:05}-of-{len(files):05}-00000"
        with (
            (folder / f"{name}.tfrecord").open("wb") as data,
            IndexWriter(index / f"{name}.npy") as entries,
        ):
            for example, label in examples:
                entries.append(data.tell(), len(example), label)
                data.writelines(framed([example]))


def write_shards(folder: Path, counts: Sequence[int]) -> list[str]:
    """One TFRecord file for each count; gives all keys."""
    names = [
        [f"drop/{number % 2}/é {shard} {number}.jpg" for number in range(count)]
        for shard, count in enumerate(counts)
    ]
    files = [[(example(n % 2, key), n % 2) for n, key in enumerate(keys)] for keys in names]
    write_files(folder, files)
    return [key for keys in names for key in keys]


def share_of(folder: Path, rank: int = 0, size: int = 1) -> Share:
    """Rank `rank`'s share of a channel that all workers have."""
    return find_share(folder, index_of(folder), SIZE, Worker(rank, size))


def shares_of(
    folders: Sequence[Path], index: Path, workers: int, window_bytes: int = 0
) -> list[Share]:
    """Each rank's share where each host has a folder, and so many workers; they exchange."""
    size = len(folders) * workers
    meeting = Barrier(size)
    told: list[object] = [None] * size

    def exchange(rank: int, mine: object) -> list[object]:
        told[rank] = mine
        meeting.wait(timeout=60)
        return list(told)

    def find(rank: int) -> Share:
        worker = Worker(rank, size, rank // workers, partial(exchange, rank))
        return find_share(folders[rank // workers], index, SIZE, worker, window_bytes)

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(find, range(size)))


@dataclass
class Job:
    """A job's hosts in one folder."""

    folder: Path
    hosts: int = 1
    shards: list[int] = field(default_factory=lambda: [10])
    settings: dict[str, str] = field(default_factory=dict)
    told: dict[str, object] = field(default_factory=lambda: {"network_interface_name": "lo"})
    """What `resourceconfig.json` says beside the hosts."""
    names_after: str = "0"
    """See group.py."""
    group: str = "group.py"
    distribution: str = "FullyReplicated"
    """Of the channel train; each host has every n-th file of n hosts with ShardedByS3Key."""

    def prepare(self) -> list[str]:
        """Writes every host's `/opt/ml`; gives the keys of the training records."""
        names = [f"algo-{number}" for number in range(1, self.hosts + 1)]
        given = {"epochs": "2", "batch_size": "4", "image_size": str(SIZE), "log_records": "true"}
        for name in names:
            root = self.folder / name
            config = root / "input" / "config"
            config.mkdir(parents=True)
            (root / "model").mkdir()
            hosts = {"current_host": name, "hosts": names} | self.told
            (config / "resourceconfig.json").write_text(json.dumps(hosts))
            (config / "hyperparameters.json").write_text(json.dumps(given | self.settings))
            data = root / "input" / "data"
            (data / "labels").mkdir(parents=True)
            labels = {"schema": 1, "labels": ["dark", "light"]}
            (data / "labels" / "labels.json").write_text(json.dumps(labels))
            write_shards(data / "validation", [3])
            keys = write_shards(data / "train", self.shards)
            if self.distribution == "ShardedByS3Key":
                for number, file in enumerate(sorted((data / "train").iterdir())):
                    if number % self.hosts != names.index(name):
                        file.unlink()
        return keys

    def start(self) -> subprocess.Popen[bytes]:
        root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        kinds = ["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        return subprocess.Popen(
            [
                *("unshare", *root, *kinds, sys.executable),
                *(str(PACKAGE / "tests" / self.group), str(self.folder), str(self.hosts)),
            ],
            cwd=PACKAGE,
            env=os.environ | {"PYTHONPATH": paths(), "NAMES_AFTER": self.names_after},
        )

    def run(self) -> int:
        return self.start().wait(timeout=300)

    def log(self, host: int = 1) -> str:
        return (self.folder / f"algo-{host}.log").read_text()

    def failure(self, host: int = 1) -> str:
        return (self.folder / f"algo-{host}" / "output" / "failure").read_text()

    def failed(self, host: int) -> bool:
        return (self.folder / f"algo-{host}" / "output" / "failure").exists()

    def summary(self) -> dict:
        return json.loads((self.folder / "algo-1" / "model" / "training.json").read_text())

    def keys_read(self, epoch: int) -> list[str]:
        """The keys that all ranks read in an epoch."""
        files = self.folder.glob(f"algo-*/output/data/records/epoch-{epoch}-rank-*.txt")
        return sorted(key for file in files for key in file.read_text().splitlines())

    def order(self, epoch: int, rank: int = 0) -> list[str]:
        """The keys that a rank read in an epoch, as it read them."""
        name = f"epoch-{epoch}-rank-{rank}.txt"
        (file,) = self.folder.glob(f"algo-*/output/data/records/{name}")
        return file.read_text().splitlines()


@dataclass
class Running:
    """A job that runs; `group` is the process that ends with it."""

    job: Job
    group: subprocess.Popen[bytes]

    def wait_until_it_trains(self, seconds: float = 200, epoch: int = 0) -> None:
        end = time.monotonic() + seconds
        log = self.job.folder / "algo-1.log"
        while not (log.exists() and f"epoch={epoch}" in log.read_text()):
            assert self.group.poll() is None, self.job.log()
            assert time.monotonic() < end, self.job.log()
            time.sleep(0.2)

    def worker(self, host: int) -> int:
        (found,) = self._find(b"training.launch.worker", host)
        return found

    def launcher(self, host: int) -> int:
        (found,) = self._find(b"-c", host)
        return found

    def processes(self) -> list[int]:
        return [found for host in (1, 2) for found in self._find(b"training.launch.worker", host)]

    def _find(self, word: bytes, host: int) -> list[int]:
        """Process ids as this machine counts them, not as the job's namespace does."""
        root = str(self.job.folder / f"algo-{host}").encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                words = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if word in words and root in words:
                found.append(int(process.name))
        return found
