"""Lists a bucket with boto3's paginator."""

import boto3

from benchmarks.measured import measured

s3 = boto3.client("s3")
with measured() as facts:
    pages = s3.get_paginator("list_object_versions").paginate(Bucket="b", Prefix="drops/")
    found = [
        (version["Key"], version["VersionId"], version["Size"])
        for page in pages
        for version in page["Versions"]
        if version["IsLatest"]
    ]
    facts["count"] = len(found)
