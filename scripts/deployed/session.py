"""Which AWS a command talks to: the one that the environment names, or a rehearsal."""

import os
import shlex
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from rehearsal import lifecycle
from scripts import REPOSITORY
from scripts.console import CommandError

# The state folders of ./scripts/local-aws and of ./scripts/rehearse --keep.
STATES = (REPOSITORY / ".rehearsal" / "aws", REPOSITORY / ".rehearsal" / "rehearse" / "aws")
REHEARSAL_VARIABLES = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
)
# Any of these says that the caller has chosen.
CHOICES = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_PROFILE",
    "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
)
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class _Session(boto3.Session):
    """Makes a service's client once: SageMaker's takes a tenth of a second, and who polls asks for
    it again and again.
    """

    def __init__(self, region: str | None) -> None:
        super().__init__(region_name=region)
        self._made: dict[str, Any] = {}

    def client(self, service: str, **options: Any) -> Any:  # type: ignore[override] # has no overloads
        make: Any = super().client
        if options:
            return make(service, **options)
        if service not in self._made:
            self._made[service] = make(service)
        return self._made[service]


def aws_session(*states: Path) -> boto3.Session:
    """A session for AWS or for a rehearsal, and says on stderr for which.

    Where no variable of the environment chooses, a running rehearsal of this checkout comes before
    boto3's own search through shared files and instance roles: a command typed beside it means it.
    The rehearsal's variables are set in this process, as AWS_ENDPOINT_URL is read by each client.

    Raises:
        CommandError: neither a choice, nor a rehearsal, nor credentials and a region.
    """
    if not any(os.environ.get(name) for name in CHOICES):
        for state in states or STATES:
            os.environ.update(_variables(state))
    # boto3 reads AWS_DEFAULT_REGION only; the CDK and the other SDKs read AWS_REGION.
    session = _Session(os.environ.get("AWS_REGION"))
    if session.region_name is None or session.get_credentials() is None:
        raise CommandError(
            "No AWS credentials and region are set and no rehearsal of this checkout runs: "
            "start one (./scripts/local-aws start), or set AWS_PROFILE and AWS_REGION."
        )
    _pass_proxies_by()
    print(f"Talking to {_whom(session)}.", file=sys.stderr)
    return session


def shell_line(state: Path) -> str:
    """What a person types to lead a shell to the rehearsal of a state folder."""
    named = "" if state in STATES else f" --state {shlex.quote(str(state))}"
    return f'eval "$(./scripts/local-aws env{named})"'


def poll_seconds() -> float:
    """How long to wait between two looks: a machine of one's own has no rate limits."""
    return 0.5 if is_local() else 10.0


def is_local() -> bool:
    """Whether AWS_ENDPOINT_URL leads to this machine."""
    return urlsplit(os.environ.get("AWS_ENDPOINT_URL", "")).hostname in LOOPBACK


def _pass_proxies_by() -> None:
    """A proxy of the environment cannot reach this machine's own loopback."""
    if is_local():
        for name in ("NO_PROXY", "no_proxy"):
            hosts = [host for host in os.environ.get(name, "").split(",") if host]
            os.environ[name] = ",".join(dict.fromkeys([*hosts, *sorted(LOOPBACK)]))


def _variables(state: Path) -> dict[str, str]:
    """The variables that lead to the rehearsal of a state folder; empty where none runs."""
    if not lifecycle.is_running(state):
        return {}
    try:
        led = lifecycle.variables(state)
    except lifecycle.LifecycleError as error:
        raise CommandError(str(error)) from error
    return {name: led[name] for name in REHEARSAL_VARIABLES}


def _whom(session: boto3.Session) -> str:
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint:
        return f"{'the rehearsal' if is_local() else 'AWS'} at {endpoint}"
    profile = os.environ.get("AWS_PROFILE")
    return f"AWS in {session.region_name}" + (f", profile {profile}" if profile else "")
