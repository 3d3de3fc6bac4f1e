"""Our own rules (infra/rules) that a step or a resource does not follow, with the reason."""

from infra.exceptions.accepted import Accepted
from infra.settings import Settings

EXCEPTIONS = (
    Accepted(
        "CreateManifests",
        "network-isolation",
        "It lists the drops bucket and reads earlier executions' lineage itself: how much there is "
        "only a listing tells, so that SageMaker can't bring it.",
    ),
    Accepted(
        "FetchServingModel",
        "network-isolation",
        "It asks SageMaker which model serves now, which no input of a job can tell.",
    ),
    Accepted(
        "data/EmptierFunction*",
        "dead-letters",
        "CloudFormation calls it and waits for its answer: a failure fails the stack's deletion, "
        "with the function's words.",
    ),
    Accepted(
        "images/PublishedFunction*",
        "dead-letters",
        "CloudFormation calls it and waits for its answer: a failure fails the deployment, with "
        "the function's words.",
    ),
    Accepted(
        "serving/EndpointGuardFunction*",
        "dead-letters",
        "CloudFormation calls it and waits for its answer: a failure fails the update, with the "
        "function's words.",
    ),
)
"""Subjects are a step's name or `<unit>/<logical id>`."""

_NOT_ISOLATED = tuple(
    Accepted(
        step,
        "network-isolation",
        "The environment's settings say so: network.isolate_jobs is off.",
    )
    for step in ("ShardImages", "TrainModel", "EvaluateModel")
)


_OF_THE_VPC = (
    Accepted(
        "network/VpcEndpoints*",
        "named-principals",
        "A VPC endpoint's policy names everybody and says by a condition who is meant: the "
        "account's own identities (aws:PrincipalAccount).",
    ),
)

_OF_JOB_LOGS = (
    Accepted(
        "operations/JobLogsFunction*",
        "dead-letters",
        "CloudFormation calls it and waits for its answer: a failure fails the deployment, with "
        "the function's words.",
    ),
)

_OF_SHARING = (
    Accepted(
        "images/SharingFunction*",
        "dead-letters",
        "CloudFormation calls it and waits for its answer: a failure fails the deployment, with "
        "the function's words.",
    ),
)


def exceptions_of(settings: Settings) -> tuple[Accepted, ...]:
    """Those of an environment."""
    return (
        *EXCEPTIONS,
        *(() if settings.network.isolate_jobs else _NOT_ISOLATED),
        *(_OF_SHARING if settings.promotion.target_accounts else ()),
        *(_OF_THE_VPC if settings.network.vpc else ()),
        *(_OF_JOB_LOGS if settings.operations.job_log_days else ()),
    )
