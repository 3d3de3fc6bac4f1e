"""The policy that no role of an environment may pass."""

import aws_cdk as cdk

from infra.settings import Security


def permissions_boundary(settings: Security) -> cdk.PermissionsBoundary | None:
    """For all roles of a stage, those that the CDK makes for itself too.

    The roles that `cdk bootstrap` makes are none of a stage: it has
    `--custom-permissions-boundary` for them.
    https://docs.aws.amazon.com/cdk/v2/guide/customize-permissions-boundaries.html
    """
    policy = settings.permissions_boundary
    if policy is None:
        return None
    if policy.startswith("arn:"):
        return cdk.PermissionsBoundary.from_arn(policy)
    return cdk.PermissionsBoundary.from_name(policy)
