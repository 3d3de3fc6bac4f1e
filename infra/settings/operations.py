"""Settings of `[operations]`."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from infra.settings.section import Section

EmailAddress = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s]{1,39}@[^@\s]+\.[^@\s]+$", max_length=50),
    Field(examples=["ops@example.com"]),
]


def _number(value: Any) -> Any:
    # CDK context has strings alone.
    return int(value) if isinstance(value, str) and value.isdecimal() else value


LogDays = Annotated[Literal[7, 14, 30, 90, 365], BeforeValidator(_number)]


class Operations(Section):
    """Logs, parallelism and what a month may cost."""

    log_days: LogDays = Field(
        default=90,
        description="Days the logs of the Lambda functions, the endpoint and the VPC are kept.",
    )
    job_log_days: LogDays | None = Field(
        default=None,
        description="Days the logs of processing and training jobs are kept; their two log groups "
        "are the whole account's, so that the longest of all its environments counts. Without it, "
        "nothing is changed: SageMaker's log groups keep all for ever.",
    )
    max_parallel_steps: int = Field(
        default=4, ge=1, le=50, description="Steps of one execution that may run at once."
    )
    notify_emails: tuple[EmailAddress, ...] = Field(
        default=(),
        max_length=10,
        description="E-mail addresses that get every notification, once each has confirmed its "
        "subscription; others subscribe to the topic themselves. The first 1,000 e-mails of a "
        "month cost nothing.",
    )
    monthly_budget_usd: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="What the environment may cost in a calendar month, in USD: people are told "
        "at 80 % spent and when 100 % is forecast, and nothing is stopped. Costs nothing. Counts "
        "by the cost allocation tags Project and Environment, which must be active.",
    )
    budget_emails: tuple[EmailAddress, ...] = Field(
        default=(),
        max_length=10,
        description="E-mail addresses that are told of the budget beside the topic.",
    )
