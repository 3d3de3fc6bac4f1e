"""Settings of `[github]`: workflows that review and deploy without a stored key."""

from typing import Annotated

from pydantic import Field, StringConstraints

from infra.settings.section import Section


class GitHub(Section):
    """Roles for GitHub Actions."""

    repository: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$"),
            Field(examples=["acme/shardwise"]),
        ]
        | None
    ) = Field(
        default=None,
        description="GitHub repository (owner/name) whose pull requests may review this "
        "environment, and whose GitHub environment of the same name may deploy it; without it, "
        "nobody from there can. Costs nothing, and needs GitHub's OIDC provider in the account "
        "(docs/deploying.md).",
    )
