"""How the rehearsal's own parts talk to the rehearsal's AWS: by boto3, as anybody does."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import (
    CredentialProvider,
    CredentialResolver,
    RefreshableCredentials,
)
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
    """Of a user, or of a role for a time.

    Attributes:
        expiration: None, they never end.
    """

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None
    expiration: datetime | None = None


ROOT = Credentials("test", "test")  # MiniStack's root user


def arn(settings: RehearsalSettings, service: str, resource: str) -> str:
    """e.g. `arn(settings, "sagemaker", "model/mine")`."""
    return f"arn:aws:{service}:{settings.region}:{settings.account}:{resource}"


def client(
    settings: RehearsalSettings, service_name: str, credentials: Credentials | None = None
) -> Any:
    """A boto3 client on the rehearsal's endpoint URL, as root unless `credentials` are given."""
    who = credentials or ROOT
    return _client(settings, service_name, _as(who))


def _as(who: Credentials) -> botocore.session.Session:
    own = _session()
    own.set_credentials(who.access_key_id, who.secret_access_key, who.session_token)
    return own


def _session() -> botocore.session.Session:
    # One for each client: boto3's default session is not safe to share between threads.
    own = botocore.session.Session()
    own.register_component("data_loader", _MODELS)
    return own


def _client(
    settings: RehearsalSettings,
    service_name: str,
    session: botocore.session.Session,
    config: Config = _CONFIG,
) -> Any:
    return boto3.session.Session(region_name=settings.region, botocore_session=session).client(
        service_name,  # type: ignore[call-overload]
        endpoint_url=settings.endpoint_url,
        config=config,
    )


class _Renewed(CredentialProvider):
    """Gives a session credentials that it asks for again before they end."""

    METHOD = "assume-role"

    def __init__(self, metadata: Callable[[], dict[str, Any]]) -> None:
        super().__init__()
        self._metadata = metadata

    def load(self) -> RefreshableCredentials:
        return RefreshableCredentials.create_from_metadata(
            self._metadata(), refresh_using=self._metadata, method=self.METHOD
        )


class Role:
    """A role's clients: what SageMaker does as the role of a job, a model or a pipeline.

    Its credentials are renewed before they end, and a client that somebody holds has the renewed
    ones with its next request. Any thread may ask.

    Attributes:
        life_seconds: of its credentials.
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
                found = assume(self._settings, self.arn, self._session_name, self._life_seconds)
                self._credentials = found
            return found

    def client(self, service_name: str) -> Any:
        """A boto3 client as the role, made once; its credentials are renewed.

        Raises:
            botocore.exceptions.ClientError: STS refuses.
        """
        self._metadata()  # What STS refuses is said here, and not by the client's first request.
        with self._lock:
            found = self._clients.get(service_name)
        if found is None:
            session = _session()
            resolver = CredentialResolver([_Renewed(self._metadata)])
            session.register_component("credential_provider", resolver)
            found = _client(self._settings, service_name, session)
        with self._lock:
            return self._clients.setdefault(service_name, found)

    def _is_old(self, found: Credentials) -> bool:
        left = timedelta(seconds=self._life_seconds * _LEFT)
        return found.expiration is not None and datetime.now(UTC) > found.expiration - left

    def _metadata(self) -> dict[str, Any]:
        found = self.credentials
        expiration = found.expiration or datetime.max.replace(tzinfo=UTC)
        return {
            "access_key": found.access_key_id,
            "secret_key": found.secret_access_key,
            "token": found.session_token,
            "expiry_time": expiration.isoformat(),
        }


def assume(
    settings: RehearsalSettings,
    role_arn: str,
    session_name: str,
    life_seconds: int = LIFE_SECONDS,
) -> Credentials:
    """Temporary credentials of a role, by STS AssumeRole.

    Raises:
        botocore.exceptions.ClientError: STS refuses.
    """
    answer = _sts(settings).assume_role(
        RoleArn=role_arn, RoleSessionName=session_name[:64], DurationSeconds=life_seconds
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


def _sts(settings: RehearsalSettings) -> Any:
    # AWS gives no credentials for less than 900 s, and botocore asks for none: tests do.
    config = _CONFIG.merge(Config(parameter_validation=False))
    return _client(settings, "sts", _as(ROOT), config)


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


class Authorization(Protocol):
    """Decides what a role may do, as IAM would."""

    def allows(self, credentials: Credentials, permission: Permission) -> bool:
        """Whether the role of these credentials has a permission; always true where IAM is not
        enforced.
        """
