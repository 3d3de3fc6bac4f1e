"""The deployed function that starts executions: its guards, and how a person speaks to it."""

import json
from dataclasses import dataclass
from typing import Any

import boto3

from scripts.console import CommandError
from scripts.deployed import stacks


@dataclass(frozen=True)
class Guards:
    """As they are deployed; `executions_per_day` 0 for none."""

    concurrent_executions: int
    executions_per_day: int


def guards(session: boto3.Session, environment: str) -> Guards:
    function = _name(session, environment)
    described = session.client("lambda").get_function_configuration(FunctionName=function)
    variables = described["Environment"]["Variables"]
    return Guards(int(variables["CONCURRENT_EXECUTIONS"]), int(variables["EXECUTIONS_PER_DAY"]))


def release(session: boto3.Session, environment: str) -> dict[str, Any]:
    """Lets the next run begin, in the name of whoever the credentials are.

    Returns how many drops wait still (`waiting`), why (`held`), and the runs that go on (`runs`).

    Raises:
        CommandError: the function failed.
    """
    by = session.client("sts").get_caller_identity()["Arn"]
    event = {"detail-type": "Run Released", "time": "", "detail": {"By": by}}
    function = _name(session, environment)
    answer = session.client("lambda").invoke(
        FunctionName=function, Payload=json.dumps(event).encode()
    )
    said: dict[str, Any] = json.loads(answer["Payload"].read())
    if answer.get("FunctionError"):
        raise CommandError(f"The function {function} failed: {said.get('errorMessage')}.")
    return said


def _name(session: boto3.Session, environment: str) -> str:
    return stacks.output(session, environment, "trigger", "StarterFunctionName")
