"""ShardImages on the folders that SageMaker makes: what a host writes."""

import hashlib
import io
import json
import struct
from functools import partial
from itertools import pairwise

import crc32c
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tfrecord import example_pb2
from tfrecord.reader import tfrecord_iterator

from preprocessing import decode
from preprocessing.isolated import IsolatedDecoder
from preprocessing.tests.hostile import HOSTILE
from processing.common.container import run
from processing.manifests.outputs import OBJECTS_SCHEMA
from processing.shard_images import shard_images
from records.index import file_bytes, open_index


def png(shade):
    buffer = io.BytesIO()
    Image.new("L", (9, 5), shade).save(buffer, "PNG")
    return buffer.getvalue()


def drawn(*labels, count=6):
    """Images by manifest entry."""
    return {
        f"d1/{label}/{number}.png": png(10 * number) for label in labels for number in range(count)
    }


SETTINGS = {
    "image_size": 8,
    "maximum_quarantined_share": 0.5,
    "encoding": "raw",
    "jpeg_quality": 95,
    "jpeg_subsampling": "4:4:4",
    "memory_megabytes": 64,
    "file_megabytes": 256,
    "seed": 1,
}


class Host:
    """One host's /opt/ml, as SageMaker fills it."""

    def __init__(self, root, name="algo-1", hosts=("algo-1",), labels=("cat", "dog")):
        self.root, self.name = root, name
        self.output = root / "processing" / "output"
        self.write("config/resourceconfig.json", {"current_host": name, "hosts": list(hosts)})
        self.labels = list(labels)
        self.write("processing/input/labels/labels.json", {"schema": 1, "labels": self.labels})
        self.listed = []
        self.write_lineage()

    def write(self, path, content):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(content))

    def write_lineage(self):
        """`objects.parquet` of what was listed, sorted by key."""
        rows = sorted(self.listed, key=lambda row: row["key"])
        table = pa.Table.from_pylist(rows, OBJECTS_SCHEMA)
        path = self.root / "processing" / "input" / "lineage" / "objects.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)

    def receive(self, channel, files, elsewhere=None):
        """Files of this host, and `elsewhere` those that only the lineage shows it."""
        for key, data in (files | (elsewhere or {})).items():
            drop_id, class_label, _ = key.split("/")
            self.listed.append(
                {
                    "key": f"drops/{key}",
                    "version_id": "1",
                    "size": len(data),
                    "sha256": hashlib.sha256(data).digest(),
                    "class_label": class_label,
                    "encoded_label": self.labels.index(class_label),
                    "channel": channel,
                    "drop_id": drop_id,
                    "execution_id": "e1",
                }
            )
        self.write_lineage()
        self.place(channel, files)
        return self

    def place(self, channel, files):
        """Writes files that the lineage does not list."""
        for key, data in files.items():
            place = self.root / "processing" / "input" / channel / key
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)

    def run(self, **changes):
        settings = SETTINGS | changes
        parts = [[f"--{name.replace('_', '-')}", str(value)] for name, value in settings.items()]
        return run(shard_images, [part for pair in parts for part in pair], self.root)

    def files(self, channel):
        """The files of a channel, in the order of their names."""
        return sorted((self.output / channel).glob("*.tfrecord"))

    def indexes(self, channel):
        """The index of each file."""
        names = [file.with_suffix(".npy").name for file in self.files(channel)]
        assert names == sorted(p.name for p in (self.output / "index" / channel).iterdir())
        return [open_index(self.output / "index" / channel / name) for name in names]

    def content(self, channel):
        """All that is written of a channel, by its path."""
        folders = [self.output / channel, self.output / "index" / channel]
        return {
            path.relative_to(self.output): path.read_bytes()
            for folder in folders
            for path in folder.iterdir()
        }

    def examples(self, channel):
        """(key, label, image) of each record, read by the tfrecord package."""
        examples = []
        for file in self.files(channel):
            for found in tfrecord_iterator(str(file)):
                parsed = example_pb2.Example()
                parsed.ParseFromString(bytes(found))
                value = parsed.features.feature
                image = value["image"].bytes_list.value[0]
                key = value["key"].bytes_list.value[0].decode()
                examples.append((key, value["label"].int64_list.value[0], image))
        return examples

    def records(self, channel):
        """(key, label, pixels) of each raw record."""
        return [
            (key, label, np.frombuffer(image, np.uint8))
            for key, label, image in self.examples(channel)
        ]

    @property
    def report(self):
        return json.loads((self.output / "report" / f"{self.name}.json").read_text())

    @property
    def quarantine(self):
        lines = (self.output / "quarantine" / f"{self.name}.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def message(self):
        return (self.root / "output" / "message").read_text(encoding="utf-8")


@pytest.fixture
def host(tmp_path):
    return Host(tmp_path)


def test_each_image_becomes_a_record_of_its_pixels_label_and_key(host):
    files = drawn("cat", "dog")
    assert host.receive("train", files).run() == 0
    records = host.records("train")
    assert sorted(key for key, _, _ in records) == sorted(files)
    for key, label, pixels in records:
        assert label == (0 if "/cat/" in key else 1)
        assert (pixels.reshape(8, 8, 3) == decode(files[key], 8)).all()


def test_the_checksums_of_every_record_are_right(host):
    host.receive("train", drawn("cat")).run()
    data = (host.output / "train" / "train-00000-of-00001-00000.tfrecord").read_bytes()
    count = 0
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        for content, stored in [
            (data[:8], data[8:12]),
            (data[12 : 12 + length], data[12 + length : 16 + length]),
        ]:
            crc = crc32c.crc32c(content)
            masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
            assert stored == struct.pack("<I", masked)
        data = data[16 + length :]
        count += 1
    assert count == 6


def test_two_hosts_write_every_file_exactly_once(tmp_path):
    files = drawn("cat", "dog", count=10)
    keys = []
    for index, name in enumerate(["algo-1", "algo-2"]):
        host = Host(tmp_path / name, name, ["algo-2", "algo-1"])
        host.receive("train", dict(list(files.items())[index::2])).run()
        assert [file.name for file in host.files("train")] == [
            f"train-0000{index}-of-00002-00000.tfrecord"
        ]
        keys += [key for key, _, _ in host.records("train")]
    assert sorted(keys) == sorted(files)


@pytest.mark.parametrize("encoding", ["raw", "jpeg", "png"])
def test_the_same_files_give_the_same_bytes(tmp_path, encoding):
    written = []
    for name in ("first", "second"):
        host = Host(tmp_path / name).receive("test", drawn("cat", "dog"))
        host.run(encoding=encoding)
        written.append(host.content("test"))
    assert written[0] == written[1]


def test_records_are_mixed_by_the_seed_and_not_sorted_by_class(tmp_path):
    orders = []
    for seed in (1, 2):
        host = Host(tmp_path / str(seed)).receive("train", drawn("cat", "dog", count=20))
        host.run(seed=seed)
        orders.append([key for key, _, _ in host.records("train")])
    assert orders[0] != orders[1]
    labels = ["/cat/" in key for key in orders[0]]
    assert sum(before != after for before, after in pairwise(labels)) > 8


def test_a_channel_without_files_has_no_file(host):
    assert host.receive("train", drawn("cat", "dog")).run() == 0
    assert host.content("validation") == {}


def test_a_host_without_any_files_succeeds(host):
    assert host.run() == 0
    assert host.records("train") == []
    nothing = {"worst": 0, "expected": 0, "of_limit": 0}
    assert host.report["channels"]["test"] == {
        "records": 0,
        "bytes": 0,
        "files": 0,
        "bytes_per_record": None,
        "deviations": {"files": nothing, "host": nothing},
    }


def test_the_report_counts_what_was_written_and_what_was_put_aside(host):
    broken = {"d1/dog/a.png": b"", "d1/dog/b.png": b"", "d1/dog/c.png": b"no image"}
    host.receive("train", drawn("cat")).receive("test", broken).run()
    report = host.report
    assert report.pop("seconds") >= 0
    channels = report.pop("channels")
    for shard in channels.values():
        shard.pop("deviations")
    size = host.files("train")[0].stat().st_size
    nothing = {"records": 0, "bytes": 0, "files": 0, "bytes_per_record": None}
    assert channels == {
        "train": {"records": 6, "bytes": size, "files": 1, "bytes_per_record": round(size / 6, 1)},
        "validation": nothing,
        "test": nothing,
    }
    assert report == {
        "schema": 3,
        "host": "algo-1",
        "encoding": {
            "name": "raw",
            "jpeg_quality": None,
            "jpeg_subsampling": None,
            "psnr_db": None,
            "compared_records": 0,
        },
        "quarantined": 3,
        "reasons": {
            "is empty": 2,
            "is no JPEG, PNG or WebP image": 1,
        },
    }


def test_each_file_put_aside_is_listed_with_its_reason(host):
    host.receive("train", drawn("cat")).receive("test", {"d1/dog/empty.png": b""}).run()
    assert host.quarantine == [
        {"key": "d1/dog/empty.png", "channel": "test", "reason": "is empty (0 bytes)"}
    ]


def test_names_with_spaces_signs_and_other_scripts_are_kept(tmp_path):
    names = ["a b.png", "c#d.png", "e+f.png", "é.png", "日本.png", "100%.png"]
    files = {f"drop é/犬 #1/{name}": png(3) for name in names}
    host = Host(tmp_path, labels=["犬 #1"]).receive("train", files)
    assert host.run() == 0
    assert sorted(key for key, _, _ in host.records("train")) == sorted(files)


def test_hostile_files_are_put_aside_by_name_and_their_neighbours_are_kept(host):
    hostile = {f"d1/dog/{name}.jpg": data for name, data in HOSTILE.items()}
    files = drawn("cat", "dog", count=30)
    assert host.receive("train", files | hostile).run(maximum_quarantined_share=0.9) == 0
    kept = {key for key, _, _ in host.records("train")}
    aside = {line["key"] for line in host.quarantine}
    assert set(files) <= kept
    assert kept | aside == set(files | hostile)
    assert "d1/dog/a PNG with a palette's pixels and no palette.jpg" in aside
    assert "d1/dog/a lossless JPEG.jpg" in kept


def test_a_file_that_crashes_its_decoder_is_put_aside_by_name(host, monkeypatch):
    decoding_by("preprocessing.tests.misbehaving:decode", monkeypatch)
    files = drawn("cat", count=20) | {"d1/dog/x.jpg": b"segfault:"}
    assert host.receive("train", files).run() == 0
    assert len(host.records("train")) == 20
    (line,) = host.quarantine
    assert line["key"] == "d1/dog/x.jpg"
    assert line["reason"] == "crashes its decoder (SIGSEGV)"
    assert host.report["reasons"] == {"crashes its decoder": 1}


def test_a_fault_of_the_program_names_the_file_that_met_it(host, monkeypatch):
    decoding_by("preprocessing.tests.misbehaving:decode", monkeypatch)
    assert host.receive("train", drawn("cat") | {'d1/dog/"x\ny.jpg': b"fault:"}).run() == 1
    assert r'"d1/dog/\"x\ny.jpg" met a fault of the program: AssertionError' in host.message


def test_a_file_of_more_bytes_than_any_image_is_put_aside_unread(host, monkeypatch):
    monkeypatch.setattr("processing.shards.shard.MAXIMUM_BYTES", 5_000)
    large = large_png()
    assert host.receive("train", drawn("cat") | {"d1/dog/x.png": large}).run() == 0
    assert host.quarantine[0]["reason"].startswith(f"has {len(large):,} bytes, above the limit of")


def decoding_by(decoder, monkeypatch):
    """Has ShardImages' processes run another decoder."""
    monkeypatch.setattr(
        "processing.shard_images.IsolatedDecoder", partial(IsolatedDecoder, decoder=decoder)
    )


def test_too_many_unusable_files_fail_with_their_reasons_and_leave_no_shard(host):
    broken = {f"d1/dog/{number}.png": b"no image" for number in range(4)} | {"d1/dog/e.png": b""}
    assert host.receive("train", drawn("cat") | broken).run(maximum_quarantined_share=0.4) == 1
    assert host.message.startswith(
        "5 of 11 files on algo-1 cannot be used, more than the share 0.4 that "
        'MaximumQuarantinedShare allows (4: is no JPEG, PNG or WebP image, such as "d1/dog/'
    )
    assert '1: is empty, such as "d1/dog/e.png"' in host.message
    assert host.report["quarantined"] == len(host.quarantine) == 5
    assert not (host.output / "train").exists()


def test_as_many_unusable_files_as_allowed_are_left_out(host):
    broken = {f"d1/dog/{number}.png": b"no image" for number in range(6)}
    assert host.receive("train", drawn("cat") | broken).run(maximum_quarantined_share=0.5) == 0
    assert len(host.records("train")) == 6


def test_a_file_outside_a_class_folder_is_no_image(host):
    host.receive("train", drawn("cat")).place("train", {"manifest.json": b"[]"})
    assert host.run() == 0
    assert len(host.records("train")) == 6


def test_a_file_that_the_lineage_does_not_list_is_refused(host):
    host.receive("train", drawn("cat")).place("train", {"d1/cat/new.png": png(1)})
    assert host.run() == 1
    assert host.message.startswith(
        '"d1/cat/new.png" is in channel train and not listed in objects.parquet'
    )
    assert not (host.output / "train").exists()


def test_a_file_that_is_listed_for_another_channel_is_refused(host):
    host.receive("train", drawn("cat")).receive("validation", {"d1/dog/v.png": png(9)})
    host.place("train", {"d1/dog/v.png": png(9)})
    assert host.run() == 1
    assert host.message.startswith(
        '"d1/dog/v.png" is in channel train and listed for channel validation in objects.parquet'
    )


@pytest.mark.parametrize("content", [png(1), b"x" * len(png(0)), b""])
def test_a_file_that_changed_since_the_manifests_is_refused(host, content):
    host.receive("train", drawn("cat")).place("train", {"d1/cat/0.png": content})
    assert host.run() == 1
    assert host.message.startswith('"d1/cat/0.png" has changed since the manifests were written')


def test_files_of_other_hosts_are_left_to_them(host):
    host.receive("train", drawn("cat"), elsewhere=drawn("dog")).run()
    assert sorted(key for key, _, _ in host.records("train")) == sorted(drawn("cat"))


def test_labels_of_another_execution_are_refused(host):
    host.receive("train", drawn("cat", "dog"))
    host.write("processing/input/labels/labels.json", {"schema": 1, "labels": ["dog", "cat"]})
    assert host.run() == 1
    assert 'Class "cat" has the encoded label 0 in the lineage and 1 in labels.json' in host.message


def test_a_missing_lineage_is_named(host):
    (host.root / "processing" / "input" / "lineage" / "objects.parquet").unlink()
    assert host.run() == 1
    assert host.message.startswith("The input lineage does not hold objects.parquet")


def test_an_index_tells_where_each_record_lies_and_its_label(host):
    files = drawn("cat", "dog", count=40) | photos(40)
    host.receive("train", files)
    host.run(encoding="jpeg", jpeg_quality=100, image_size=256, file_megabytes=1)
    assert len(host.files("train")) > 1
    labels = []
    for file, index in zip(host.files("train"), host.indexes("train"), strict=True):
        data = file.read_bytes()
        assert file_bytes(index) == len(data)
        for start, length, label in index.tolist():
            assert struct.unpack("<Q", data[start : start + 8]) == (length,)
            labels.append(label)
    assert labels == [label for _, label, _ in host.examples("train")]
    assert host.report["channels"]["train"]["files"] == len(host.files("train"))


def test_a_file_ends_when_it_has_reached_its_size(host):
    host.receive("train", drawn("cat", "dog", count=400)).run(image_size=48)
    whole = [key for key, _, _ in host.records("train")]
    (alone,) = host.files("train")
    size = alone.stat().st_size // len(whole)
    host.run(image_size=48, file_megabytes=1)
    *full, last = host.files("train")
    assert [file.name for file in (*full, last)] == [
        f"train-00000-of-00001-{number:05d}.tfrecord" for number in range(len(full) + 1)
    ]
    assert len(full) == 800 * size // 2**20
    for file in full:
        assert 2**20 <= file.stat().st_size < 2**20 + 2 * size
    assert [key for key, _, _ in host.records("train")] == whole


def test_a_file_holds_at_least_one_record(host):
    host.receive("train", photos(3)).run(image_size=1024, file_megabytes=1)
    assert [len(index) for index in host.indexes("train")] == [1, 1, 1]


@pytest.mark.parametrize("encoding", ["raw", "jpeg", "png"])
def test_the_memory_given_changes_no_byte(host, encoding):
    files = drawn("cat", "dog", count=40)
    host.receive("train", files | {"d1/cat/large.png": large_png()})
    written = []
    for megabytes in (1, 64, 4000):
        host.run(memory_megabytes=megabytes, encoding=encoding, image_size=64)
        written.append((host.content("train"), host.report["encoding"]))
    assert written[0] == written[1] == written[2]


def test_a_png_record_holds_the_very_pixels(host):
    files = drawn("cat", count=3) | photos(3)
    host.receive("train", files).run(encoding="png", image_size=40)
    for key, _, image in host.examples("train"):
        assert image.startswith(b"\x89PNG")
        assert (np.asarray(Image.open(io.BytesIO(image))) == decode(files[key], 40)).all()
    assert host.report["encoding"] == {
        "name": "png",
        "jpeg_quality": None,
        "jpeg_subsampling": None,
        "psnr_db": None,
        "compared_records": 0,
    }


@pytest.mark.parametrize(
    ("quality", "subsampling", "least"), [(95, "4:4:4", 36), (95, "4:2:0", 32), (50, "4:4:4", 28)]
)
def test_the_report_tells_how_near_a_jpeg_is_to_its_pixels(host, quality, subsampling, least):
    files = photos(6)
    host.receive("train", files)
    host.run(encoding="jpeg", jpeg_quality=quality, jpeg_subsampling=subsampling, image_size=224)
    errors = []
    for key, _, image in host.examples("train"):
        read = Image.open(io.BytesIO(image))
        assert (read.format, read.size, read.mode) == ("JPEG", (224, 224), "RGB")
        errors.append(np.mean((np.asarray(read, float) - decode(files[key], 224)) ** 2))
    psnr = 10 * np.log10(255**2 / np.mean(errors))
    described = host.report["encoding"]
    assert described["psnr_db"] == pytest.approx(psnr, abs=0.02)
    assert psnr > least
    assert described["compared_records"] == 6
    assert (described["jpeg_quality"], described["jpeg_subsampling"]) == (quality, subsampling)


def test_only_some_of_many_records_are_compared(host):
    host.receive("train", drawn("cat", "dog", count=50)).receive("test", drawn("cat", count=3))
    host.run(encoding="jpeg")
    assert host.report["encoding"]["compared_records"] == 64 + 3


def test_an_image_that_a_jpeg_keeps_whole_has_no_psnr(host):
    host.receive("train", {"d1/cat/0.png": png(128)}).run(encoding="jpeg")
    assert host.report["encoding"]["psnr_db"] is None
    assert host.report["encoding"]["compared_records"] == 1


def photos(count, label="dog"):
    """Pictures with slopes, colours and some noise, as photographs have."""
    random = np.random.default_rng(5)
    files = {}
    for number in range(count):
        slopes = np.linspace(0, 1, 300)[:, None] * np.linspace(0, 1, 400)[None, :]
        colours = slopes[..., None] * random.uniform(60, 250, 3) + random.normal(
            0, 3, (300, 400, 1)
        )
        buffer = io.BytesIO()
        Image.fromarray(colours.clip(0, 255).astype(np.uint8)).save(buffer, "PNG")
        files[f"d1/{label}/photo-{number}.png"] = buffer.getvalue()
    return files


def large_png():
    """2 megapixels: more than a megabyte while it is decoded."""
    buffer = io.BytesIO()
    Image.new("RGB", (2000, 1000), (7, 8, 9)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"image_size": 0}, "--image-size: 0 must be 1 or more"),
        ({"maximum_quarantined_share": 1.5}, "1.5 must be from 0 to 1"),
        ({"seed": "x"}, "invalid int value"),
        ({"encoding": "gif"}, "invalid choice: 'gif'"),
        ({"jpeg_quality": 101}, "--jpeg-quality: 101 must be from 1 to 100"),
        ({"jpeg_subsampling": "4:1:1"}, "invalid choice: '4:1:1'"),
        ({"file_megabytes": 0}, "--file-megabytes: 0 must be 1 or more"),
        ({"memory_megabytes": 0}, "--memory-megabytes: 0 must be 1 or more"),
    ],
)
def test_a_wrong_setting_is_refused(host, setting, reason):
    assert host.run(**setting) == 1
    assert reason in host.message
