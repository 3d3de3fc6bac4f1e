"""Split, manifests and table of a listing with pandas, scikit-learn and json."""

import json
import sys
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import LabelEncoder

from benchmarks.measured import measured

folder = Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
with measured() as facts:
    listing = pd.read_parquet(sys.argv[1])
    listing["sha256"] = listing.sha256.map(bytes.hex)
    parts = listing.key.str.split("/", expand=True)
    listing["drop_id"], listing["class_label"] = parts[1], parts[2]
    listing["encoded_label"] = LabelEncoder().fit_transform(listing.class_label)
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
