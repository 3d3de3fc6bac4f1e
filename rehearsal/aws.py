"""How the rehearsal's own parts talk to the rehearsal's AWS: by boto3, as anybody does."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from rehearsal.settings import RehearsalSettings

_RENEWED_SECONDS = 45 * 60.0
# The services are in this machine: a call that fails twice fails for a reason.
_CONFIG = Config(
    retries={"max_attempts": 2, "mode": "standard"},
    connect_timeout=5,
    read_timeout=120,
    # A proxy of the environment can't reach this machine's own loopback.
    proxies={},
    s3={"addressing_style": "path"},
)


class _Models(Loader):
    """Reads a service's model once and not with each client, which makes one ten times as cheap."""

    @property
    def search_paths(self) -> list[str]:
        # A copy: each boto3 session adds a path, that of its resources, which clients don't need.
        return list(super().search_paths)


_MODELS = _Models()


@dataclass(frozen=True)
class Credentials:
    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    @property
    def variables(self) -> dict[str, str]:
        """As environment variables of a process."""
        found = {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }
        return found | ({"AWS_SESSION_TOKEN": self.session_token} if self.session_token else {})


ROOT = Credentials("test", "test")  # MiniStack's root user


def arn(settings: RehearsalSettings, service: str, resource: str) -> str:
    """e.g. `arn(settings, "sagemaker", "model/mine")`."""
    return f"arn:aws:{service}:{settings.region}:{settings.account}:{resource}"


def client(
    settings: RehearsalSettings, service_name: str, credentials: Credentials | None = None
) -> Any:
    """A boto3 client on the rehearsal's endpoint URL, as root unless `credentials` are given."""
    who = credentials or ROOT
    # A session of its own: boto3's default session is not safe to share between threads.
    own = botocore.session.Session()
    own.register_component("data_loader", _MODELS)
    return boto3.session.Session(region_name=settings.region, botocore_session=own).client(
        service_name,  # type: ignore[call-overload]
        endpoint_url=settings.endpoint_url,
        aws_access_key_id=who.access_key_id,
        aws_secret_access_key=who.secret_access_key,
        aws_session_token=who.session_token,
        config=_CONFIG,
    )


class Role:
    """A role's clients: what SageMaker does as the role of a job, a model or a pipeline.

    Its credentials are renewed before they end, which is after an hour. Any thread may ask.
    """

    def __init__(self, settings: RehearsalSettings, arn: str, session_name: str) -> None:
        self.arn = arn
        self._settings = settings
        self._session_name = session_name
        self._lock = threading.Lock()
        self._until = 0.0
        self._credentials = ROOT
        self._clients: dict[str, Any] = {}

    @property
    def credentials(self) -> Credentials:
        """:raises botocore.exceptions.ClientError: STS refuses."""
        with self._lock:
            self._renew()
            return self._credentials

    def client(self, service_name: str) -> Any:
        """:raises botocore.exceptions.ClientError: STS refuses."""
        with self._lock:
            self._renew()
            if service_name not in self._clients:
                self._clients[service_name] = client(
                    self._settings, service_name, self._credentials
                )
            return self._clients[service_name]

    def _renew(self) -> None:
        if time.monotonic() > self._until:
            self._credentials = assume(self._settings, self.arn, self._session_name)
            self._clients = {}
            self._until = time.monotonic() + _RENEWED_SECONDS


def assume(settings: RehearsalSettings, role_arn: str, session_name: str) -> Credentials:
    """Temporary credentials of a role, by STS AssumeRole.

    :raises botocore.exceptions.ClientError: STS refuses.
    """
    answer = client(settings, "sts").assume_role(
        RoleArn=role_arn, RoleSessionName=session_name[:64]
    )["Credentials"]
    return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
