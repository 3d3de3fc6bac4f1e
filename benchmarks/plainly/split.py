"""Split, manifests and table of a staged listing with pandas, scikit-learn and json."""

import json
import sys
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

from benchmarks.measured import measured

folder = Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
with measured() as facts:
    listing = pd.read_parquet(sys.argv[1])
    train, rest = train_test_split(
        listing, test_size=0.3, stratify=listing.class_label, random_state=7
    )
    validation, test = train_test_split(
        rest, test_size=0.5, stratify=rest.class_label, random_state=7
    )
    channels = {"train": train, "validation": validation, "test": test}
    for channel, part in channels.items():
        entries = part.key.str.removeprefix("drops/")
        with (folder / f"{channel}.manifest").open("w") as file:
            json.dump([{"prefix": "s3://bucket/drops/"}, *entries], file)
    table = pd.concat([part.assign(channel=channel) for channel, part in channels.items()])
    table.to_parquet(folder / "objects.parquet")
    facts["count"] = len(table)
