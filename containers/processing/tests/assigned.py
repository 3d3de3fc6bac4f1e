"""Assigns channels to a dataset as CreateManifests does, without S3."""

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from processing.common.container import CHANNELS
from processing.manifests.assignment import Assigner, Assignment
from processing.manifests.contents import Partitions
from processing.manifests.staging import STAGED_SCHEMA, StagedObjects, StagedWriter


@dataclass
class Assigned:
    """What came of it; channels and membership by the content's name."""

    assignment: Assignment
    objects: dict
    membership_path: Path

    @property
    def channels(self):
        """Channel by key."""
        codes = self.assignment.channels.tolist()
        return {key: CHANNELS[code] for key, code in zip(sorted(self.objects), codes, strict=True)}

    @property
    def by_content(self):
        """Channel by digest, of the contents in the dataset; fails where copies differ."""
        found = {}
        for key, channel in self.channels.items():
            assert found.setdefault(self.objects[key], channel) == channel
        return found

    @property
    def membership(self):
        """Channel by digest, of all contents ever assigned."""
        rows = pq.read_table(self.membership_path).to_pylist()
        return {row["sha256"]: row["channel"] for row in rows}

    @property
    def present(self):
        rows = pq.read_table(self.membership_path).to_pylist()
        return {row["sha256"] for row in rows if row["present"]}

    def counts(self, label):
        """Distinct contents of a class by channel."""
        labels = class_labels(self.objects)
        return dict(
            zip(CHANNELS, self.assignment.counts[labels.index(label)].tolist(), strict=True)
        )


def class_labels(objects):
    return sorted({key.split("/")[1] for key in objects})


def stage(folder, objects):
    """Stages objects, 32-byte digests by key `<drop>/<class>/<file>`."""
    drops = sorted({key.split("/")[0] for key in objects})
    labels = class_labels(objects)
    keys = sorted(objects)
    columns = [
        keys,
        ["null"] * len(keys),
        [1] * len(keys),
        [objects[key] for key in keys],
        [drops.index(key.split("/")[0]) for key in keys],
        [labels.index(key.split("/")[1]) for key in keys],
    ]
    table = pa.table(columns, schema=STAGED_SCHEMA)
    with StagedWriter(folder / "objects.arrow") as writer:
        for batch in table.to_batches():
            writer.append(batch)
    return StagedObjects(folder / "objects.arrow")


def assign(folder, objects, split, memberships=()):
    """Assigns every object; memberships: paths of earlier ones, the oldest first."""
    folder.mkdir(parents=True)
    staged = stage(folder, objects)
    assigner = Assigner(
        partitions=Partitions(staged, len(objects), folder / "partitions"),
        objects=len(objects),
        class_labels=class_labels(objects),
        memberships=memberships,
        split=split,
    )
    path = folder / "membership.parquet"
    return Assigned(assigner.assign(path, folder), dict(objects), path)
