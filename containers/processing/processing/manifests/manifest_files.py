"""SageMaker's manifests of the three channels.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3DataSource.html
"""

from collections.abc import Sequence
from pathlib import Path

from processing.channels import CHANNELS
from processing.json_file import write_json
from processing.manifests.lineage import ObjectRow
from processing.manifests.settings import S3Folder


def write_manifests(folder: Path, drops: S3Folder, rows: Sequence[ObjectRow]) -> None:
    """Writes `<channel>.manifest`: the drops' folder as prefix, then each object below it."""
    for channel in CHANNELS:
        entries = [row.key.removeprefix(drops.prefix) for row in rows if row.channel == channel]
        write_json(folder / f"{channel}.manifest", [{"prefix": drops.uri}, *entries])
