"""Lists a bucket as CreateManifests does."""

from benchmarks.measured import measured
from drops.s3_uri import S3Uri
from processing.manifests.s3 import list_folder, s3_client

s3 = s3_client()
with measured() as facts:
    facts["count"] = sum(len(batch) for batch in list_folder(s3, S3Uri("b", "drops/")))
