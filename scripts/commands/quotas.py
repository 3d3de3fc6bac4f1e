"""`./scripts/quotas`: the service quotas that an environment needs, and those of the account."""

from collections.abc import Iterator, Mapping

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

from infra.rules.quotas import Quota, needed
from infra.settings import SettingsError, load
from scripts.cli import command, environment_option
from scripts.console import CommandError, complain, warn
from scripts.deployed.session import aws_session
from scripts.reviews.synthesis import templates_of

TOO_LITTLE = 3


@command("quotas", example="./scripts/quotas -e prod")
@environment_option
def main(console: Console, environment: str) -> int:
    """Lists the service quotas that an environment needs, and those of the account.

    They are SageMaker's, of the environment as it would be deployed now. Most are 0 in a new
    account; ask for more under Service Quotas, Amazon SageMaker, by the quota's name. The rehearsal
    has no quotas. Ends with 0, with 3 where the account has too little, with 1 on an error.
    """
    wanted = _needed(environment)
    account = _account()
    for line in _lines(wanted, account):
        console.print(line)
    missing = [q for q in wanted if account is not None and account.get(q.name, 0) < q.needed]
    if not missing:
        return 0
    return complain(
        f"The account has too little of {len(missing)} of {len(wanted)} quotas: ask for more under "
        "Service Quotas, Amazon SageMaker, before you deploy.",
        TOO_LITTLE,
    )


def _needed(environment: str) -> list[Quota]:
    try:
        settings = load(environment)
    except SettingsError as error:
        raise CommandError(str(error)) from error
    return needed(templates_of(environment), settings.trigger.concurrent_executions)


def _account() -> Mapping[str, float] | None:
    """The account's quotas by name; None, and it is said why, where they can't be asked for."""
    try:
        client = aws_session().client("service-quotas")
        pages = client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker")
        return dict(pages.search("Quotas[].[QuotaName, Value]"))
    except (CommandError, BotoCoreError, ClientError) as error:
        reason = str(error).rstrip(". :")
        warn(
            f"What the account has is not known, as in a rehearsal, which has no quotas: {reason}."
        )
        return None


def _lines(wanted: list[Quota], account: Mapping[str, float] | None) -> Iterator[str]:
    rows = [("quota of SageMaker", "needed", "there", "for")]
    for quota in wanted:
        there = "?" if account is None else f"{account.get(quota.name, 0):g}"
        rows.append((quota.name, str(quota.needed), there, quota.reason))
    wide = max(len(name) for name, *_ in rows)
    for name, much, there, reason in rows:
        yield f"{name:{wide}}  {much:>6}  {there:>5}  {reason}"
