"""Settings of `[security]`: whose keys encrypt, and what no role may pass."""

from typing import Annotated

from pydantic import Field, StringConstraints

from infra.settings.section import Section

# A managed policy's name, with its path where it has one, or its whole ARN:
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
ManagedPolicy = Annotated[
    str,
    StringConstraints(
        pattern=r"^(arn:aws[a-z-]*:iam::(aws|\d{12}):policy/)?([\w.,+@=-]+/)*[\w.,+@=-]+$",
        max_length=512,
    ),
    Field(examples=["Boundary", "arn:aws:iam::123456789012:policy/Boundary"]),
]


class Security(Section):
    """Off and None are AWS's own keys and no boundary."""

    customer_managed_keys: bool = Field(
        default=False,
        description="Encrypt objects, queues, tables and logs with the environment's own KMS key, "
        "which encrypts volumes anyhow; costs its requests, and who reads or writes needs the key "
        "too. What was written before keeps its encryption.",
    )
    permissions_boundary: ManagedPolicy | None = Field(
        default=None,
        description="Name or ARN of the managed policy that bounds what each role of the "
        "environment may ever be allowed; it must be there before. Costs nothing.",
    )
