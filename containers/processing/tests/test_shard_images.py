"""ShardImages on the folders that SageMaker makes: what a host writes."""

import io
import json
import struct
import subprocess
import sys
from itertools import pairwise

import crc32c
import numpy as np
import pytest
from PIL import Image
from tfrecord import example_pb2
from tfrecord.reader import tfrecord_iterator

from preprocessing import decode
from processing.container import run
from processing.shard_images import shard_images


def png(shade):
    buffer = io.BytesIO()
    Image.new("L", (9, 5), shade).save(buffer, "PNG")
    return buffer.getvalue()


def drawn(*labels, count=6):
    """Images by manifest entry."""
    return {
        f"d1/{label}/{number}.png": png(10 * number) for label in labels for number in range(count)
    }


class Host:
    """One host's /opt/ml, as SageMaker fills it."""

    def __init__(self, root, name="algo-1", hosts=("algo-1",), labels=("cat", "dog")):
        self.root, self.name = root, name
        self.output = root / "processing" / "output"
        self.write("config/resourceconfig.json", {"current_host": name, "hosts": list(hosts)})
        labels = {"schema": 1, "labels": list(labels)}
        self.write("processing/input/labels/labels.json", labels)

    def write(self, path, content):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(content))

    def receive(self, channel, files):
        for key, data in files.items():
            place = self.root / "processing" / "input" / channel / key
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        return self

    def run(self, size=8, maximum_share=0.5, seed=1):
        line = f"--image-size {size} --maximum-quarantined-share {maximum_share} --seed {seed}"
        return run(shard_images, line.split(), self.root)

    def records(self, channel, shard="00000-of-00001"):
        """(key, label, pixels) of each record, read by the tfrecord package."""
        examples = []
        path = self.output / channel / f"{channel}-{shard}.tfrecord"
        for record in tfrecord_iterator(str(path)):
            parsed = example_pb2.Example()
            parsed.ParseFromString(bytes(record))
            value = parsed.features.feature
            pixels = np.frombuffer(value["image"].bytes_list.value[0], np.uint8)
            key = value["key"].bytes_list.value[0].decode()
            examples.append((key, value["label"].int64_list.value[0], pixels))
        return examples

    @property
    def report(self):
        return json.loads((self.output / "report" / f"{self.name}.json").read_text())

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
    data = (host.output / "train" / "train-00000-of-00001.tfrecord").read_bytes()
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
        keys += [key for key, _, _ in host.records("train", f"0000{index}-of-00002")]
    assert sorted(keys) == sorted(files)


def test_the_same_files_give_the_same_bytes(tmp_path):
    shards = []
    for name in ("first", "second"):
        host = Host(tmp_path / name).receive("test", drawn("cat", "dog"))
        host.run()
        shards.append((host.output / "test" / "test-00000-of-00001.tfrecord").read_bytes())
    assert shards[0] == shards[1]


def test_a_record_has_the_same_bytes_in_every_process():
    program = (
        "import sys; from processing.shards.tfrecord_file import example; "
        "sys.stdout.buffer.write(example(b'pixels', 3, 'd1/cat/a.png'))"
    )
    command = [sys.executable, "-c", program]
    runs = [subprocess.run(command, capture_output=True, check=True) for _ in range(8)]
    assert len({run.stdout for run in runs}) == 1


def test_records_are_mixed_by_the_seed_and_not_sorted_by_class(tmp_path):
    orders = []
    for seed in (1, 2):
        host = Host(tmp_path / str(seed)).receive("train", drawn("cat", "dog", count=20))
        host.run(seed=seed)
        orders.append([key for key, _, _ in host.records("train")])
    assert orders[0] != orders[1]
    labels = ["/cat/" in key for key in orders[0]]
    assert sum(before != after for before, after in pairwise(labels)) > 8


def test_a_channel_without_files_is_an_empty_shard(host):
    assert host.receive("train", drawn("cat", "dog")).run() == 0
    assert (host.output / "validation" / "validation-00000-of-00001.tfrecord").read_bytes() == b""


def test_a_host_without_any_files_succeeds(host):
    assert host.run() == 0
    assert host.records("train") == []
    assert host.report["channels"]["test"] == {"records": 0, "keys": []}


def test_the_report_says_what_was_written_and_what_was_put_aside(host):
    host.receive("train", drawn("cat")).receive("test", {"d1/dog/empty.png": b""}).run()
    report = host.report
    assert report.pop("seconds") >= 0
    assert report.pop("channels") == {
        "train": {"records": 6, "keys": [key for key, _, _ in host.records("train")]},
        "validation": {"records": 0, "keys": []},
        "test": {"records": 0, "keys": []},
    }
    assert report == {
        "schema": 1,
        "host": "algo-1",
        "quarantined": [
            {"key": "d1/dog/empty.png", "channel": "test", "reason": "is empty (0 bytes)"}
        ],
    }


def test_names_with_spaces_signs_and_other_scripts_are_kept(tmp_path):
    names = ["a b.png", "c#d.png", "e+f.png", "é.png", "日本.png", "100%.png"]
    files = {f"drop é/犬 #1/{name}": png(3) for name in names}
    host = Host(tmp_path, labels=["犬 #1"]).receive("train", files)
    assert host.run() == 0
    assert sorted(key for key, _, _ in host.records("train")) == sorted(files)


def test_too_many_unusable_files_fail_with_the_first_and_their_reasons(host):
    broken = {f"d1/dog/{number}.png": b"no image" for number in range(5)}
    assert host.receive("train", drawn("cat") | broken).run(maximum_share=0.4) == 1
    assert host.message.startswith(
        "5 of 11 files on algo-1 cannot be used, more than the share 0.4"
    )
    assert host.message.count(".png") == 3
    assert "is no JPEG, PNG or WebP image" in host.message
    assert len(host.report["quarantined"]) == 5


def test_as_many_unusable_files_as_allowed_are_left_out(host):
    broken = {f"d1/dog/{number}.png": b"no image" for number in range(6)}
    assert host.receive("train", drawn("cat") | broken).run(maximum_share=0.5) == 0
    assert len(host.records("train")) == 6


def test_a_file_outside_a_class_folder_is_put_aside(host):
    host.receive("train", drawn("cat") | {"manifest.json": b"[]"}).run()
    (aside,) = host.report["quarantined"]
    assert aside["reason"] == "is not <drop id>/<class label>/<file>"


def test_a_class_that_the_labels_do_not_name_is_refused(host):
    assert host.receive("train", drawn("eel")).run() == 1
    assert 'class folder "eel", which labels.json does not name' in host.message


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"size": 0}, "--image-size: 0 must be 1 or more"),
        ({"maximum_share": 1.5}, "1.5 must be from 0 to 1"),
        ({"seed": "x"}, "invalid int value"),
    ],
)
def test_a_wrong_setting_is_refused(host, setting, reason):
    assert host.run(**setting) == 1
    assert reason in host.message
