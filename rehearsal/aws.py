"""How the rehearsal's own parts talk to the rehearsal's AWS: by boto3, as anybody does."""

import functools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import RefreshableCredentials
from botocore.exceptions import ClientError
from botocore.loaders import Loader

from rehearsal.settings import RehearsalSettings

LIFE_SECONDS = 3600
"""Of the credentials that STS gives where nobody asks for another time."""

# Credentials are renewed when this part of their life is left.
_LEFT = 0.25
_DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
# The services are in this machine: a call that fails twice fails for a reason.
_CONFIG = Config(
    retries={"max_attempts": 2, "mode": "standard"},
    connect_timeout=5,
    read_timeout=120,
    # A proxy of the environment can't reach this machine's own loopback.
    proxies={},
    max_pool_connections=50,  # a client is shared by all threads
    s3={"addressing_style": "path"},
)
# AWS gives no credentials for less than 900 s, and botocore asks for none: tests do.
_UNCHECKED = _CONFIG.merge(Config(parameter_validation=False))


class _Models(Loader):
    """Reads a service's model once and not with each client, which makes one ten times as cheap."""

    @property
    def search_paths(self) -> list[str]:
        # A copy: each boto3 session adds a path, that of its resources, which clients don't need.
        return list(super().search_paths)


_MODELS = _Models()


@dataclass(frozen=True)
class Credentials:
    """Of a role, for a time."""

    access_key_id: str
    secret_access_key: str
    session_token: str
    expiration: datetime


def arn(settings: RehearsalSettings, service: str, resource: str) -> str:
    """e.g. `arn(settings, "sagemaker", "model/mine")`."""
    return f"arn:aws:{service}:{settings.region}:{settings.account}:{resource}"


@functools.cache
def client(settings: RehearsalSettings, service_name: str, config: Config = _CONFIG) -> Any:
    """A boto3 client on the rehearsal's endpoint URL, as MiniStack's root user, made once."""
    root = _session()
    root.set_credentials("test", "test")
    return _client(settings, service_name, root, config)


def _session() -> botocore.session.Session:
    # One for each client: boto3's default session is not safe to share between threads.
    session = botocore.session.Session()
    session.register_component("data_loader", _MODELS)
    return session


def _client(
    settings: RehearsalSettings,
    service_name: str,
    session: botocore.session.Session,
    config: Config,
) -> Any:
    return boto3.session.Session(region_name=settings.region, botocore_session=session).client(
        service_name,  # type: ignore[call-overload]
        endpoint_url=settings.endpoint_url,
        config=config,
    )


class Role:
    """A role's clients: what SageMaker does as the role of a job, a model or a pipeline.

    Its credentials are renewed before they end, and a client that somebody holds has the renewed
    ones with its next request. Any thread may ask.
    """

    def __init__(
        self,
        settings: RehearsalSettings,
        arn: str,
        session_name: str,
        life_seconds: int = LIFE_SECONDS,
    ) -> None:
        self.arn = arn
        self._settings = settings
        self._session_name = session_name
        self._life_seconds = life_seconds
        self._lock = threading.Lock()
        self._credentials: Credentials | None = None
        self._clients: dict[str, Any] = {}

    @property
    def credentials(self) -> Credentials:
        """With a quarter of their life left, at least.

        Raises:
            botocore.exceptions.ClientError: STS refuses.
        """
        with self._lock:
            found = self._credentials
            if found is None or self._is_old(found):
                found = self._credentials = self._assume()
            return found

    def client(self, service_name: str) -> Any:
        """A boto3 client as the role, made once; its credentials are renewed.

        Raises:
            botocore.exceptions.ClientError: STS refuses.
        """
        _ = self.credentials  # What STS refuses is said here, not by the client's first request.
        with self._lock:
            found = self._clients.get(service_name)
        if found is None:
            session = _session()
            session.register_component("credential_provider", self)
            found = _client(self._settings, service_name, session, _CONFIG)
        with self._lock:
            return self._clients.setdefault(service_name, found)

    def load_credentials(self) -> RefreshableCredentials:
        """As a session's `credential_provider`: credentials that it asks for again and again."""
        return RefreshableCredentials.create_from_metadata(
            self._metadata(), refresh_using=self._metadata, method="assume-role"
        )

    def _is_old(self, found: Credentials) -> bool:
        left = timedelta(seconds=self._life_seconds * _LEFT)
        return datetime.now(UTC) > found.expiration - left

    def _metadata(self) -> dict[str, Any]:
        found = self.credentials
        return {
            "access_key": found.access_key_id,
            "secret_key": found.secret_access_key,
            "token": found.session_token,
            "expiry_time": found.expiration.isoformat(),
        }

    def _assume(self) -> Credentials:
        answer = client(self._settings, "sts", _UNCHECKED).assume_role(
            RoleArn=self.arn,
            RoleSessionName=self._session_name[:64],
            DurationSeconds=self._life_seconds,
        )["Credentials"]
        return Credentials(
            answer["AccessKeyId"],
            answer["SecretAccessKey"],
            answer["SessionToken"],
            answer["Expiration"],
        )


def is_denied(error: Exception) -> bool:
    """Whether IAM, or a resource's own policy, refused a call."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in _DENIED


@dataclass(frozen=True)
class Permission:
    """What SageMaker asks of a role by itself, with no request that would show it.

    Attributes:
        resource: ARN, or `*` for an action that names none.
        conditions: keys and values of IAM's conditions.
        is_unscoped: only statements without conditions, on all resources, count.
    """

    action: str
    resource: str
    conditions: Mapping[str, str] = field(default_factory=dict)
    is_unscoped: bool = False


Allows = Callable[[Credentials, Permission], bool]
"""Whether IAM lets the role of these credentials do it; always where IAM is not enforced."""
