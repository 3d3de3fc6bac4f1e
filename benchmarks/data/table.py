"""The table of the data plane."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from subprocess import PIPE

from rich.console import Console

from benchmarks.data.lineage import lineage_rows
from benchmarks.harness.programs import Measurement, Program, in_turn, run, start
from benchmarks.harness.table import Row

TEN_TIMES = 10
# What S3 is taken to need for a page of a listing.
PAGE_SECONDS = 0.05
# Of photographs, in pixels; they are three quarters as high.
WIDTHS = (640, 1920)


@dataclass(frozen=True)
class Sizes:
    """How much is measured, and how often."""

    objects: int = 1_000_000
    keys: int = 200_000
    folder_keys: int = 1_000_000
    photos: int = 2_000
    executions: int = 10
    repetitions: int = 5


QUICK = Sizes(
    objects=20_000, keys=4_000, folder_keys=20_000, photos=40, executions=2, repetitions=1
)


@dataclass(frozen=True)
class Pythons:
    """The image's Python with the variables that its Dockerfile sets, and the plain one's."""

    ours: Path
    variables: dict[str, str]
    plain: Path

    def program(self, name: str, *arguments: object, core: int | None = 0) -> Program:
        """A program of `benchmarks.data`, "module.function"; `our_…` in the image's environment."""
        module, _, function = name.partition(".")
        ours = function.startswith("our_")
        python, variables = (self.ours, self.variables) if ours else (self.plain, {})
        return Program(python, f"data.{module}", [function, *arguments], variables, core)


def data_rows(pythons: Pythons, sizes: Sizes, console: Console) -> tuple[list[Row], list[str]]:
    """The table's rows, and the notes below it."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as name:
        folder = Path(name)
        rows = _split(pythons, sizes, folder, console)
        rows += _listing(pythons, sizes, console)
        rows.append(_folder(pythons, sizes, console))
        notes = []
        for width in WIDTHS:
            place = folder / f"photos-{width}"
            decoding, note = _decoding(pythons, sizes, width, place, console)
            rows += decoding
            notes.append(note)
        rows += lineage_rows(folder / "ours" / "lineage", sizes.executions, folder, console)
        return rows, notes


def _split(pythons: Pythons, sizes: Sizes, folder: Path, console: Console) -> list[Row]:
    console.print(f"Split, manifests and table of {sizes.objects:,} objects")
    few = sizes.objects // TEN_TIMES
    for rows in (few, sizes.objects):
        listing = folder / f"{rows}.parquet"
        run(pythons.program("objects.listing", listing, rows))
        run(pythons.program("objects.our_staging", listing, folder / f"{rows}.arrow"))
    # Neither's clock has the taking apart of keys in it.
    staged = folder / "staged.parquet"
    run(pythons.program("objects.plain_staging", folder / f"{sizes.objects}.parquet", staged))

    def ours(rows: int, output: str) -> Program:
        arguments = folder / f"{rows}.arrow", rows, folder / output
        return pythons.program("objects.our_split", *arguments, core=None)

    programs = {
        "ours": [ours(sizes.objects, "ours")],
        "pandas": [pythons.program("objects.plain_split", staged, folder / "plain", core=None)],
        "ours, a tenth": [ours(few, "few")],
    }
    return _split_rows(*in_turn(programs, sizes.repetitions, console).values())


def _split_rows(ours: Measurement, plain: Measurement, tenth: Measurement) -> list[Row]:
    what = f"split + manifests + table of {ours.count:,} objects"
    return [
        Row(
            f"{what}, time",
            f"{ours.seconds:.2f} s",
            f"{plain.seconds:.2f} s, pandas + scikit-learn + json",
            plain.seconds / ours.seconds,
            10,
        ),
        Row(f"{what}, peak memory", _mib(ours.peak), _mib(plain.peak), plain.peak / ours.peak, 10),
        Row(
            f"peak memory at {tenth.count:,} objects against {ours.count:,}",
            _mib(tenth.peak),
            _mib(ours.peak),
            tenth.peak / ours.peak,
            0.9,
        ),
    ]


def _listing(pythons: Pythons, sizes: Sizes, console: Console) -> list[Row]:
    console.print(f"Listing of {sizes.keys:,} keys")
    programs = {
        "ours": pythons.program("objects.our_listing"),
        "paginator": pythons.program("objects.plain_listing"),
        "the server alone": pythons.program("objects.pages_unread"),
    }
    bucket = pythons.program("objects.bucket", sizes.keys, core=_last_core())
    ours, plain, server = _of_bucket(bucket, programs, sizes.repetitions, console)
    what = f"listing of {ours.count:,} keys"
    limit = "the same against the server's own limit, pages unread"
    return [
        _rates(what, ours, plain, "keys/s, boto3's paginator", 3),
        _rates(limit, ours, server, "keys/s"),
    ]


def _folder(pythons: Pythons, sizes: Sizes, console: Console) -> Row:
    console.print(f"Listing of one folder of {sizes.folder_keys:,} keys")
    programs = {
        "ours": pythons.program("objects.our_folder"),
        "one sequence": pythons.program("objects.our_listing"),
    }
    bucket = pythons.program("objects.bucket", sizes.folder_keys, PAGE_SECONDS, core=_last_core())
    ours, plain = _of_bucket(bucket, programs, sizes.repetitions, console)
    what = f"listing of one folder of {ours.count:,} keys, {PAGE_SECONDS * 1000:.0f} ms a page"
    return _rates(what, ours, plain, "keys/s, one sequence of requests", 8)


def _decoding(
    pythons: Pythons, sizes: Sizes, width: int, folder: Path, console: Console
) -> tuple[list[Row], str]:
    # As many pixels of each size.
    count = max(sizes.photos * WIDTHS[0] ** 2 // width**2, 8)
    size = f"{width} x {width * 3 // 4}"
    console.print(f"Decoding of {count} photographs of {size}")
    folder.mkdir()
    photos = folder / "photos"
    run(pythons.program("photos.photos", photos, count, width, width * 3 // 4))
    hosts = [(folder / "one", 0, 1), (folder / "first", 0, 2), (folder / "second", 1, 2)]
    for root, index, of_hosts in hosts:
        root.mkdir()
        run(pythons.program("photos.our_receiving", photos, root, index, of_hosts))
    programs = {
        "ours": [pythons.program("photos.our_sharding", folder / "one")],
        "Pillow and TensorFlow": [
            pythons.program("photos.plain_sharding", photos, folder / "plain.tfrecord")
        ],
        "libjpeg-turbo alone": [pythons.program("photos.decoding_alone", photos)],
        "two hosts": [
            pythons.program("photos.our_sharding", folder / name, core=core)
            for core, name in enumerate(["first", "second"])
        ],
    }
    measurements = in_turn(programs, sizes.repetitions, console).values()
    likeness = run(pythons.program("photos.our_likeness", photos, core=None))
    return _decoding_rows(size, *measurements), (
        f"Photographs of {size} (JPEG, quality 90, 4:2:0) as 224 x 224 against full decoding and "
        f"averaging over areas: PSNR {likeness['mean']:.1f} dB in the mean, "
        f"{likeness['least']:.1f} dB at least."
    )


def _decoding_rows(
    size: str, ours: Measurement, plain: Measurement, limit: Measurement, both: Measurement
) -> list[Row]:
    what = f"decode + resize + write of {size}, one core"
    alone = f"{size}: the same against its limit"
    hosts = f"{size}: two hosts of a core each against one"
    return [
        _rates(what, ours, plain, "images/s, Pillow + tf.io.TFRecordWriter", 1.9),
        _rates(alone, ours, limit, "images/s, scaled libjpeg-turbo alone", 0.85),
        _rates(hosts, both, ours, "images/s", 1.9),
    ]


def _of_bucket(
    bucket: Program, programs: Mapping[str, Program], repetitions: int, console: Console
) -> list[Measurement]:
    """Of programs that ask a local S3, which computes its listings on a core of its own."""
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    with _started(bucket) as url:
        place = {"AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1", **keys}
        placed = {
            name: [replace(program, variables={**program.variables, **place})]
            for name, program in programs.items()
        }
        return list(in_turn(placed, repetitions, console).values())


def _last_core() -> int:
    return max(os.sched_getaffinity(0))


@contextmanager
def _started(bucket: Program) -> Iterator[str]:
    """Its URL."""
    server = start(bucket, stdin=PIPE)
    try:
        assert server.stdout  # noqa: S101 - it is a pipe
        yield server.stdout.readline().decode().strip()
    finally:
        server.communicate()


def _rates(
    what: str, ours: Measurement, other: Measurement, beside: str, target: float | None = None
) -> Row:
    """A row of two rates; `beside` is their unit and, after a comma, the other's name."""
    unit = beside.partition(",")[0]
    speed, other_speed = (f"{each.count / each.seconds:,.0f} " for each in (ours, other))
    ratio = other.seconds / ours.seconds
    return Row(what, f"{speed}{unit}", f"{other_speed}{beside}", ratio, target)


def _mib(peak: float) -> str:
    return f"{peak:.0f} MiB"
