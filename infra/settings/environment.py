"""All settings of one environment."""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from infra.settings.endpoint import Endpoint
from infra.settings.operations import (
    Data,
    Drift,
    GitHub,
    Network,
    Operations,
    Security,
    Trigger,
)
from infra.settings.pipeline import Evaluation, Manifests, ServingModel, Shards, Training
from infra.settings.promotion import Promotion
from infra.settings.room import room_problems
from infra.settings.section import Account, Section

ENVIRONMENTS = ("dev", "staging", "prod")

Region = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$"),
    Field(examples=["eu-central-1"]),
]
# Stacks, the endpoint and the pipeline are named by it, and have 63 characters.
Qualifier = Annotated[
    str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,11}$"), Field(examples=["anna"])
]


class Settings(Section):
    """All settings of one environment."""

    environment: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}$")]
    """Name of the environment: that of its file."""
    qualifier: Qualifier | None = None
    """Name of a sandbox: one more deployment of the environment, of which nothing is shared with
    the others; it costs what the environment does. Only on the command line.
    """
    account: Account | None = None
    """AWS account to deploy to; without it, the one of the credentials."""
    region: Region | None = None
    """AWS Region to deploy to; without it, the one of the credentials."""
    data: Data = Data()
    manifests: Manifests = Manifests()
    shards: Shards = Shards()
    training: Training = Training()
    trigger: Trigger = Trigger()
    serving_model: ServingModel = ServingModel()
    evaluation: Evaluation = Evaluation()
    endpoint: Endpoint = Endpoint()
    drift: Drift = Drift()
    promotion: Promotion = Promotion()
    network: Network = Network()
    security: Security = Security()
    operations: Operations = Operations()
    github: GitHub = GitHub()

    @property
    def stage(self) -> str:
        """Stage id and what commands take: `dev`, or with a qualifier `dev-anna`."""
        return f"{self.environment}-{self.qualifier}" if self.qualifier else self.environment

    @property
    def name(self) -> str:
        """What pipeline, endpoint and dashboard are called, and stacks' names begin with."""
        return f"shardwise-{self.stage}"

    def _problems(self) -> Iterator[str]:
        if self.drift.every_hours and not self.endpoint.capture_percent:
            yield (
                "drift.every_hours compares captured answers and endpoint.capture_percent is 0: "
                "raise capture_percent, or set every_hours to 0"
            )
        # https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
        if self.network.vpc and self.endpoint.mode == "serverless":
            yield (
                "network.vpc is on and endpoint.mode is serverless, which SageMaker lets into no "
                "VPC: set mode to instances or asynchronous, or vpc to false"
            )
        yield from self._promotion_problems()
        yield from room_problems(
            self.data, self.manifests, self.shards, self.training, self.evaluation
        )
        if self.account and (problem := self.problem_in(self.account)):
            yield problem

    def _promotion_problems(self) -> Iterator[str]:
        if self.promotion.deploys == "model" and self.drift.every_hours and self.drift.retrain:
            yield (
                "drift.retrain starts the environment's own pipeline, whose models are not served "
                "while promotion.deploys is model: set retrain to false"
            )
        source = self.promotion.source
        if source and self.region and source["region"] != self.region:
            yield (
                f"promotion.source_model_package_group is in {source['region']} and region is "
                f"{self.region}, and SageMaker takes packages of its own Region alone: use a "
                "source there"
            )
        if self.account in self.promotion.target_accounts:
            yield (
                f"promotion.target_accounts has {self.account}, the environment's own account: "
                "take it out"
            )
        # https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html
        if self.promotion.target_accounts and not self.security.customer_managed_keys:
            yield (
                "promotion.target_accounts has accounts and security.customer_managed_keys is off: "
                "SageMaker writes models with AWS's own key then, which no other account may use; "
                "set customer_managed_keys to true, and train anew what they are to serve"
            )

    def problem_in(self, account: str) -> str | None:
        """Why it can't be deployed to `account`, where that is only known from credentials."""
        source = self.promotion.source
        if source and source["account"] != account and self.promotion.source_key is None:
            return (
                f"promotion.source_model_package_group is of account {source['account']}, another "
                f"one than {account}, and source_key has no value, without which its models can't "
                "be read: give ObjectKeyArn of the source's data stack"
            )
        return None
