"""Table `[promotion]`: whose models an environment serves, and who may serve its own."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.settings.section import Account, Section

_GROUP = re.compile(
    r"^arn:(?P<partition>aws[a-z-]*):sagemaker:(?P<region>[a-z0-9-]+):(?P<account>\d{12})"
    r":model-package-group/(?P<group>[A-Za-z0-9](-*[A-Za-z0-9]){0,62})$"
)

ModelPackageGroupArn = Annotated[
    str,
    StringConstraints(pattern=_GROUP.pattern),
    Field(
        examples=[
            "arn:aws:sagemaker:eu-central-1:123456789012:model-package-group/shardwise-dev-0a1b2c3d"
        ]
    ),
]
BucketName = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"),
    Field(examples=["shardwise-dev-data-artifacts82dd59a1-0a1b2c3d4e5f"]),
]
KeyArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[0-9a-f-]{36}$"),
    Field(
        examples=["arn:aws:kms:eu-central-1:123456789012:key/11112222-3333-4444-5555-666677778888"]
    ),
]


class Promotion(Section):
    """Code is promoted and each environment trains its own models, or a model is: one
    environment trains it and others serve it.
    """

    deploys: Literal["code", "model"] = "code"
    """code: the environment serves what its own pipeline registers. model: it serves what is
    approved in source_model_package_group, and its own pipeline and trigger, which cost nothing
    until something is dropped, register models that are not served.
    """
    source_model_package_group: ModelPackageGroupArn | None = None
    """ARN of the group whose approved packages are served, of another environment or account, in
    the same Region; with deploys model only. ModelPackageGroupArn in the outputs of the source's
    training stack.
    """
    source_artifacts_bucket: BucketName | None = None
    """Bucket of the source's models; with deploys model only. ArtifactsBucketName in the outputs of
    the source's data stack.
    """
    source_key: KeyArn | None = None
    """ARN of the key of the source's models, where the source has security.customer_managed_keys,
    as one in another account must; with deploys model only. ObjectKeyArn in the outputs of the
    source's data stack.
    """
    target_accounts: Annotated[tuple[Account, ...], Field(max_length=10)] = ()
    """Other accounts whose environments may serve models of this one: they may read its packages,
    models and images, and hear of its approvals. Needs security.customer_managed_keys; costs their
    reading, and the events.
    """

    def _problems(self) -> Iterator[str]:
        needed = {
            "source_model_package_group": self.source_model_package_group,
            "source_artifacts_bucket": self.source_artifacts_bucket,
        }
        if self.deploys == "model":
            if missing := [name for name, value in needed.items() if value is None]:
                yield (
                    f"deploys is model and {missing[0]} has no value: give one, or set deploys to "
                    "code"
                )
        elif given := [
            name for name, value in (*needed.items(), ("source_key", self.source_key)) if value
        ]:
            yield f"{given[0]} counts with deploys model only: set deploys, or take it out"
        if len(set(self.target_accounts)) < len(self.target_accounts):
            yield "target_accounts has an account twice: take one out"

    @property
    def source(self) -> dict[str, str] | None:
        """`partition`, `region`, `account` and name of the source's `group`."""
        found = _GROUP.match(self.source_model_package_group or "")
        return found.groupdict() if found else None
