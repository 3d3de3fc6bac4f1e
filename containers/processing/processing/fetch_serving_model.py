"""FetchServingModel: the model that the endpoint serves now, to compare the new one with."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from drops.s3_uri import S3Uri
from processing.arguments import Parser
from processing.aws import ONE_STREAM, broken_bodies_again, client, refusals_in_a_sentence
from processing.container import OPT_ML, UserError, run
from processing.json_file import write_json
from processing.serving.serving_model import find_serving_model

logger = logging.getLogger(__name__)


def fetch_serving_model(arguments: Sequence[str], root: Path) -> None:
    """Writes `serving.json` and, where a model serves, its `model.tar.gz` below
    `root`/processing/output/serving; asks SageMaker and reads S3.
    """
    endpoint = _endpoint_of(arguments)
    folder = root / "processing" / "output" / "serving"
    with refusals_in_a_sentence("SageMaker"):
        model = find_serving_model(client("sagemaker"), endpoint)
    if model:
        with refusals_in_a_sentence("S3"):
            _download(model.archive, folder / "model.tar.gz")
        logger.info("The endpoint %s serves %s.", endpoint, model.archive)
    # Last, so that it is never there without the model that it names.
    described = {"schema": 1, "endpoint": endpoint}
    package = {"model_package_arn": model.model_package_arn if model else None}
    write_json(folder / "serving.json", described | package)


def _endpoint_of(arguments: Sequence[str]) -> str:
    parser = Parser("FetchServingModel")
    parser.add_argument("--endpoint", required=True)
    endpoint: str = parser.parse_args(arguments).endpoint
    return endpoint


@broken_bodies_again
def _download(uri: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    archive = S3Uri.of(uri)
    try:
        client("s3").download_file(archive.bucket, archive.key, str(path), Config=ONE_STREAM)
    except ClientError as error:
        if error.response["Error"].get("Code") not in ("404", "NoSuchKey"):
            raise
        raise UserError(
            f"The archive of the model that is served, {uri}, is not there any more: restore it, "
            "or serve another model."
        ) from error


if __name__ == "__main__":
    sys.exit(run(fetch_serving_model, sys.argv[1:], OPT_ML))
