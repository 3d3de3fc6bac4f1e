"""Lists a bucket as CreateManifests does."""

from benchmarks.measured import measured
from processing.manifests.listing import list_folder
from processing.manifests.s3 import s3_client
from processing.manifests.settings import S3Folder

s3 = s3_client()
with measured() as facts:
    facts["count"] = sum(len(batch) for batch in list_folder(s3, S3Folder("b", "drops/")))
