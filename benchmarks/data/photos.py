"""Programs on photographs: made, brought to a host, decoded and written as records.

`our_…` run in the processing image's environment, the others in the benchmarks' own: `plain_…` is
the same work as one writes it with the libraries that come to mind first.
"""

import hashlib
import io
import json
import os
import shutil
from pathlib import Path

from benchmarks.harness.programs import main, measured

NOISE = 4  # standard deviation, of 255


def photos(folder: str, count: str, width: str, height: str) -> None:
    """Makes so many distinct photographs of a size, from the two that come with scikit-learn.

    Where they are enlarged they get the noise of a sensor, as they would be too easy to decode.
    """
    import numpy as np
    from PIL import Image, ImageEnhance, ImageOps
    from sklearn.datasets import load_sample_images

    size = int(width), int(height)
    random = np.random.default_rng(7)
    samples = [Image.fromarray(pixels) for pixels in load_sample_images().images]
    for number in range(int(count)):
        photo = samples[number % 2]
        wide = int(random.integers(400, 560))
        high = wide * 3 // 4
        left = int(random.integers(0, photo.width - wide + 1))
        top = int(random.integers(0, photo.height - high + 1))
        picture = photo.crop((left, top, left + wide, top + high))
        picture = picture.resize(size, Image.Resampling.LANCZOS)
        if random.random() < 0.5:
            picture = ImageOps.mirror(picture)
        picture = ImageEnhance.Brightness(picture).enhance(float(random.uniform(0.8, 1.2)))
        pixels = np.asarray(picture) + random.normal(0, NOISE, (size[1], size[0], 1))
        path = Path(folder) / f"photos/class-{number % 10}/{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        picture.save(path, quality=90, subsampling="4:2:0")


def digits(folder: str) -> None:
    """Writes scikit-learn's 1,797 handwritten digits, 8 x 8 grey pixels, a folder a class."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits

    scans = load_digits()
    for number, (pixels, digit) in enumerate(zip(scans.images, scans.target, strict=True)):
        path = Path(folder) / str(digit) / f"{number:04}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        # Scans are of 0 to 16.
        grey = np.rint(pixels * (255 / 16)).astype(np.uint8)
        Image.fromarray(grey).save(path, quality=95)


def our_receiving(folder: str, root: str, index: str, hosts: str) -> None:
    """Fills a host's /opt/ml with photographs, labels and lineage, as SageMaker does."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from processing.manifests.outputs import OBJECTS_SCHEMA

    place = Path(root)
    received = place / "processing" / "input"
    rows = []
    for path in sorted(Path(folder).rglob("*.jpg")):
        content = path.read_bytes()
        rows.append(
            {
                "key": f"drops/{path.relative_to(folder).as_posix()}",
                "version_id": "1",
                "size": len(content),
                "sha256": hashlib.sha256(content).digest(),
                "class_label": path.parent.name,
                "encoded_label": int(path.parent.name.removeprefix("class-")),
                "channel": "train",
                "drop_id": "photos",
                "execution_id": "execution",
            }
        )
    for row in rows[int(index) :: int(hosts)]:
        entry = str(row["key"]).removeprefix("drops/")
        (received / "train" / entry).parent.mkdir(parents=True, exist_ok=True)
        os.link(Path(folder) / entry, received / "train" / entry)
    (received / "lineage").mkdir()
    pq.write_table(pa.Table.from_pylist(rows, OBJECTS_SCHEMA), received / "lineage/objects.parquet")
    labels = {"schema": 1, "labels": [f"class-{number}" for number in range(10)]}
    (received / "labels").mkdir()
    (received / "labels" / "labels.json").write_text(json.dumps(labels))
    names = [f"algo-{number}" for number in range(1, int(hosts) + 1)]
    config = {"current_host": names[int(index)], "hosts": names}
    (place / "config").mkdir()
    (place / "config" / "resourceconfig.json").write_text(json.dumps(config))


def our_sharding(root: str) -> None:
    """ShardImages on one host's /opt/ml, pictures of 224 x 224."""
    from processing.shard_images import shard_images

    output = Path(root) / "processing" / "output"
    shutil.rmtree(output, ignore_errors=True)
    line = "--image-size 224 --maximum-quarantined-share 0 --encoding raw --seed 7"
    unused = "--jpeg-quality 95 --jpeg-subsampling 4:4:4"
    bounds = "--memory-megabytes 512 --file-megabytes 256"
    with measured() as facts:
        shard_images([*line.split(), *unused.split(), *bounds.split()], Path(root))
        (report,) = (output / "report").iterdir()
        facts["count"] = json.loads(report.read_text())["channels"]["train"]["records"]


def plain_sharding(folder: str, output: str) -> None:
    """Decodes with Pillow, writes with TensorFlow: a record an image, pictures of 224 x 224."""
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

    import tensorflow as tf
    from PIL import Image

    def feature(value: bytes | int) -> tf.train.Feature:
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    with measured() as facts, tf.io.TFRecordWriter(output) as writer:
        paths = sorted(Path(folder).rglob("*.jpg"))
        for path in paths:
            image = Image.open(path).convert("RGB").resize((224, 224))
            features = {
                "image": feature(image.tobytes()),
                "label": feature(int(path.parent.name.removeprefix("class-"))),
                "key": feature(path.relative_to(folder).as_posix().encode()),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
        facts["count"] = len(paths)


def decoding_alone(folder: str) -> None:
    """Decodes with libjpeg-turbo at a fraction of the size, and no more: the limit."""
    import simplejpeg

    with measured() as facts:
        paths = sorted(Path(folder).rglob("*.jpg"))
        for path in paths:
            simplejpeg.decode_jpeg(path.read_bytes(), "RGB", min_height=224, min_width=224)
        facts["count"] = len(paths)


def our_likeness(folder: str) -> None:
    """How near our pixels are to full decoding: the PSNR in dB over photographs."""
    import numpy as np
    from PIL import Image

    from preprocessing import decode

    values = []
    for path in sorted(Path(folder).rglob("*.jpg")):
        content = path.read_bytes()
        full = Image.open(io.BytesIO(content)).resize((224, 224), Image.Resampling.BOX)
        error = np.mean((np.asarray(full, float) - decode(content, 224).astype(float)) ** 2)
        values.append(10 * np.log10(255**2 / error))
    print(json.dumps({"mean": float(np.mean(values)), "least": float(np.min(values))}))


if __name__ == "__main__":
    main()
