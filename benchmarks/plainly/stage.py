"""Writes a listing (Parquet) with its keys taken apart, as `plainly.split` reads it."""

import sys

import pandas as pd
from sklearn.preprocessing import LabelEncoder

listing = pd.read_parquet(sys.argv[1])
listing["sha256"] = listing.sha256.map(bytes.hex)
parts = listing.key.str.split("/", expand=True)
listing["drop_id"], listing["class_label"] = parts[1], parts[2]
listing["encoded_label"] = LabelEncoder().fit_transform(listing.class_label)
listing.to_parquet(sys.argv[2])
