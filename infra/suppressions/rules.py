"""Our own rules (infra/rules) that a step or a resource does not follow, with the reason."""

from infra.settings import Settings
from infra.suppressions import Suppression

_CUSTOM_RESOURCE = (
    "CloudFormation calls it and waits for its answer: a failure fails the deployment or deletion, "
    "with the function's words."
)

SUPPRESSIONS = (
    Suppression(
        "CreateManifests",
        "network-isolation",
        "It lists the drops bucket and reads earlier executions' lineage itself: how much there is "
        "only a listing tells, so that SageMaker can't bring it.",
    ),
    Suppression(
        "FetchServingModel",
        "network-isolation",
        "It asks SageMaker which model serves now, which no input of a job can tell.",
    ),
    Suppression("data/EmptierFunction*", "dead-letters", _CUSTOM_RESOURCE),
    Suppression("images/PublishedFunction*", "dead-letters", _CUSTOM_RESOURCE),
    Suppression("serving/EndpointGuardFunction*", "dead-letters", _CUSTOM_RESOURCE),
)
"""Subjects are a step's name or `<unit>/<logical id>`."""

_NOT_ISOLATED = tuple(
    Suppression(
        step,
        "network-isolation",
        "The environment's settings say so: network.isolate_jobs is off.",
    )
    for step in ("ShardImages", "TrainModel", "EvaluateModel")
)
_OF_THE_VPC = Suppression(
    "network/VpcEndpoints*",
    "named-principals",
    "A VPC endpoint's policy names everybody and says by a condition who is meant: the account's "
    "own identities (aws:PrincipalAccount).",
)
_OF_SHARING = Suppression("images/SharingFunction*", "dead-letters", _CUSTOM_RESOURCE)


def suppressions_of(settings: Settings) -> tuple[Suppression, ...]:
    """Those of an environment."""
    return (
        *SUPPRESSIONS,
        *(() if settings.network.isolate_jobs else _NOT_ISOLATED),
        *((_OF_SHARING,) if settings.promotion.target_accounts else ()),
        *((_OF_THE_VPC,) if settings.network.vpc else ()),
    )
