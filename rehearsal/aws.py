"""ARNs, clients and credentials inside the rehearsal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from rehearsal.settings import RehearsalSettings


@dataclass(frozen=True)
class Credentials:
    """Temporary credentials of an assumed role."""

    access_key_id: str
    secret_access_key: str
    session_token: str


# The account's own, as MiniStack knows them; they open nothing but the rehearsal.
ACCESS_KEY_ID = "test"
SECRET_ACCESS_KEY = "test"  # noqa: S105


def arn(settings: RehearsalSettings, service: str, resource: str) -> str:
    """The ARN of a resource in the rehearsal's account and region."""
    return f"arn:aws:{service}:{settings.region}:{settings.account}:{resource}"


def client(
    settings: RehearsalSettings, service_name: str, credentials: Credentials | None = None
) -> Any:
    """A boto3 client on the rehearsal, with the account's own credentials unless others are given.

    Each call has a session of its own, since boto3's default session isn't safe across threads.
    """
    return boto3.session.Session().client(
        service_name,
        region_name=settings.region,
        endpoint_url=settings.endpoint_url,
        aws_access_key_id=credentials.access_key_id if credentials else ACCESS_KEY_ID,
        aws_secret_access_key=credentials.secret_access_key if credentials else SECRET_ACCESS_KEY,
        aws_session_token=credentials.session_token if credentials else None,
        config=Config(
            retries={"max_attempts": 3, "mode": "standard"},
            max_pool_connections=32,
            s3={"addressing_style": "path"},
        ),
    )


def assume(settings: RehearsalSettings, role_arn: str, session_name: str) -> Credentials:
    """Temporary credentials of a role.

    :raises botocore.exceptions.ClientError: the role isn't there or may not be assumed.
    """
    answer = client(settings, "sts").assume_role(
        RoleArn=role_arn, RoleSessionName=session_name[:64]
    )["Credentials"]
    return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"])
