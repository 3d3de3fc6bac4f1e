"""Manifests, for any key that S3 takes."""

import json

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from drops.s3_uri import S3Uri
from processing.common.container import CHANNELS
from processing.manifests.outputs import ManifestWriter

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)
rows = st.lists(st.tuples(names, st.sampled_from(range(len(CHANNELS)))), max_size=30)


@given(batches=st.lists(rows, max_size=4), prefix=names)
def test_each_manifest_is_json_that_lists_its_objects_in_order(tmp_path_factory, batches, prefix):
    folder = tmp_path_factory.mktemp("manifests")
    drops = S3Uri("bucket", f"{prefix}/")
    with ManifestWriter(folder, drops) as manifests:
        for batch in batches:
            keys = pa.array([f"{drops.key}{name}" for name, _ in batch], pa.string())
            # A slice, as a batch of a larger table may be.
            whole = pa.concat_arrays([pa.array(["before"]), keys])
            manifests.append(whole.slice(1), np.array([code for _, code in batch], np.uint8))
    for code, channel in enumerate(CHANNELS):
        written = json.loads((folder / f"{channel}.manifest").read_bytes())
        listed = [name for batch in batches for name, of in batch if of == code]
        assert written == [{"prefix": str(drops)}, *listed]
