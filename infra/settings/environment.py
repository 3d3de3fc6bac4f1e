"""All settings of one environment, and how they are read."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints, ValidationError, model_validator

from infra.settings.data import Data
from infra.settings.dataset import Manifests, Shards
from infra.settings.drift import Drift
from infra.settings.endpoint import Endpoint
from infra.settings.evaluation import Evaluation, ServingModel
from infra.settings.github import GitHub
from infra.settings.network import Network
from infra.settings.operations import Operations
from infra.settings.overrides import OVERRIDES
from infra.settings.section import Section
from infra.settings.security import Security
from infra.settings.training import Training
from infra.settings.trigger import Trigger

ENVIRONMENTS = ("dev", "staging", "prod")
FOLDER = Path(__file__).parents[1] / "environments"


class SettingsError(Exception):
    """The settings can't be used; the message says which file and key, and why."""


class Settings(Section):
    """All settings of one environment."""

    environment: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,15}$")] = Field(
        description="Name of the environment: that of its file."
    )
    qualifier: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,11}$")] | None = Field(
        default=None,
        description="Name of a sandbox: one more deployment of the environment, of which nothing "
        "is shared with the others; it costs what the environment does. Only on the command line.",
    )
    account: Annotated[str, StringConstraints(pattern=r"^\d{12}$")] | None = Field(
        default=None,
        description="AWS account to deploy to; without it, the one of the credentials.",
    )
    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] | None = Field(
        default=None, description="AWS Region to deploy to; without it, the one of the credentials."
    )
    data: Data = Data()
    manifests: Manifests = Manifests()
    shards: Shards = Shards()
    training: Training = Training()
    trigger: Trigger = Trigger()
    serving_model: ServingModel = ServingModel()
    evaluation: Evaluation = Evaluation()
    endpoint: Endpoint = Endpoint()
    drift: Drift = Drift()
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

    @model_validator(mode="after")
    def _compares_what_is_captured(self) -> "Settings":
        if self.drift.every_hours and not self.endpoint.capture_percent:
            raise ValueError(
                "drift.every_hours compares captured answers and endpoint.capture_percent is 0: "
                "raise capture_percent, or set every_hours to 0"
            )
        return self

    @model_validator(mode="after")
    def _has_a_model_that_a_vpc_takes(self) -> "Settings":
        # https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
        if self.network.vpc and self.endpoint.mode == "serverless":
            raise ValueError(
                "network.vpc is on and endpoint.mode is serverless, which SageMaker lets into no "
                "VPC: set mode to instances or asynchronous, or vpc to false"
            )
        return self


def load(
    environment: str, context: Callable[[str], Any] = lambda _: None, folder: Path = FOLDER
) -> Settings:
    """Settings of `environment`: defaults, then its file, then the overrides in CDK context.

    :param environment: its name; `dev-anna` is dev with the qualifier anna.
    :param context: the value of a CDK context key, or None; the overridable keys are those of
        `OVERRIDES`.
    :raises SettingsError: no such environment, or a value that is unknown, of the wrong type or out
        of its limits.
    """
    environment, _, qualifier = environment.partition("-")
    file = folder / f"{environment}.toml"
    if environment not in ENVIRONMENTS or not file.is_file():
        raise SettingsError(
            f"There is no environment {environment!r}: use one of {', '.join(ENVIRONMENTS)}, with "
            f"its file <environment>.toml in {folder}."
        )
    try:
        values: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is no valid TOML: {error}.") from error
    if reserved := {"environment", "qualifier"} & values.keys():
        raise SettingsError(
            f"{file}: {min(reserved)} is none of a file's settings, which are everyone's: take it "
            "out, and name a sandbox on the command line (-c qualifier=anna)."
        )
    _validate({**values, "environment": environment}, str(file))
    overridden = _override(values, context)
    if named := qualifier or context("qualifier"):
        values["qualifier"] = named
        overridden.append("qualifier")
    source = " and ".join([str(file), *(f"-c {key}" for key in overridden)])
    return _validate({**values, "environment": environment}, source)


def _override(values: dict[str, Any], context: Callable[[str], Any]) -> list[str]:
    found = {key: value for key in OVERRIDES if (value := context(key)) is not None}
    for key, value in found.items():
        section, name = OVERRIDES[key]
        values[section] = {**values.get(section, {}), name: value}
    return list(found)


def _validate(values: dict[str, Any], source: str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        given = (
            f" (given: {first['input']!r})"
            if not isinstance(first["input"], dict | BaseModel)
            else ""
        )
        raise SettingsError(f"{source}: {key}: {first['msg']}{given}.") from error
