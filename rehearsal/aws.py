"""How the rehearsal's own parts talk to the rehearsal's AWS: by boto3, as anybody does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from rehearsal.settings import RehearsalSettings

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


def assume(settings: RehearsalSettings, role_arn: str, session_name: str) -> Credentials:
    """Temporary credentials of a role, by STS AssumeRole.

    :raises botocore.exceptions.ClientError: STS refuses.
    """
    answer = client(settings, "sts").assume_role(
        RoleArn=role_arn, RoleSessionName=session_name[:64]
    )["Credentials"]
    return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
