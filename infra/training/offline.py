"""Keeps the SageMaker SDK off the network and away from the machine's own AWS configuration.

The SDK is used as a library that writes a pipeline definition. Left alone it would look for
credentials and a Region, ask IAM about each role, read defaults from the user's configuration files
into the definition, and send telemetry.
"""

import functools
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from sagemaker.core.workflow.pipeline_context import PipelineSession

_ANY_REGION = "us-east-1"
_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "offline",
    "AWS_SECRET_ACCESS_KEY": "offline",
    "AWS_DEFAULT_REGION": _ANY_REGION,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "SAGEMAKER_ADMIN_CONFIG_OVERRIDE": os.devnull,
    "SAGEMAKER_USER_CONFIG_OVERRIDE": os.devnull,
    "SAGEMAKER_VALIDATE_ROLE": "false",
}
_HIDDEN = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@contextmanager
def offline() -> Iterator[None]:
    """Import the SDK and call it inside; the environment is as before afterwards."""
    before = os.environ.copy()
    os.environ.update(_VARIABLES)
    for name in _HIDDEN:
        os.environ.pop(name, None)
    logged_from = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), models_read_once():
            warnings.filterwarnings("ignore", message="Running within a PipelineSession")
            yield
    finally:
        logging.disable(logged_from)
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def models_read_once() -> Iterator[None]:
    """boto3 lists services and reads their models once, and not with the clients of each session.

    The SDK makes such a session, with clients that it never uses, for each step.
    """
    from botocore.loaders import JSONFileLoader, Loader  # noqa: PLC0415 - what is kept needs none

    read, list_services = JSONFileLoader().load_file, Loader.list_available_services
    read_once = functools.cache(read)

    @functools.cache
    def listed_once(folders: tuple[str, ...], kind: str) -> list[str]:
        loader = Loader(extra_search_paths=list(folders), include_default_search_paths=False)
        found: list[str] = list_services(loader, kind)
        return found

    def listed(loader: Loader, type_name: str) -> list[str]:
        return listed_once(tuple(loader.search_paths), type_name)

    with (
        mock.patch.object(JSONFileLoader, "load_file", lambda _, path: read_once(path)),
        mock.patch.object(Loader, "list_available_services", listed),
    ):
        yield


def pipeline_session(default_bucket: str) -> "PipelineSession":
    """A session in which the SDK's `run` and `train` return a step's arguments instead of starting
    a job.

    Call it, and use what it returns, inside `offline()`.
    """
    import boto3  # noqa: PLC0415 - takes seconds
    from sagemaker.core.workflow.pipeline_context import PipelineSession  # noqa: PLC0415 - takes seconds

    return PipelineSession(boto_session=boto3.Session(), default_bucket=default_bucket)


@contextmanager
def without_telemetry(session: "PipelineSession") -> Iterator[None]:
    """For the calls that would report themselves to AWS.

    Only for these, as the SDK checks the whole of a configuration each time it looks a value up,
    and it looks up many.
    """
    before = session.sagemaker_config
    session.sagemaker_config = {
        "SchemaVersion": "1.0",
        "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
    }
    try:
        yield
    finally:
        session.sagemaker_config = before
