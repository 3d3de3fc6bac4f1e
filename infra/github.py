"""Roles that GitHub Actions assume by OpenID Connect, so that no key is stored anywhere.

https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws
"""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import grants
from infra.assembly import UNITS
from infra.settings import Settings

_ISSUER = "token.actions.githubusercontent.com"
# What `cdk bootstrap` makes for deployments; CloudFormation's own role is theirs to pass.
# https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html
_BOOTSTRAPPED = ("deploy", "file-publishing", "image-publishing", "lookup")


class GitHubRoles(Construct):
    """One role for pull requests, which reads what is deployed, and one that deploys.

    The account's OIDC provider is not made here, as an account can have but one.

    Attributes:
        review: any pull request of the repository itself; GitHub gives those of forks no token.
        deploy: jobs in the GitHub environment that is named like this one, which GitHub can have a
            person approve.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, repository: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._repository = repository
        self.review = self._role(
            "Review", "Reads the templates that are deployed, for reviews", "pull_request"
        )
        self.deploy = self._role(
            "Deploy", "Deploys by the roles of cdk bootstrap", f"environment:{settings.environment}"
        )
        bootstrapped = [self._bootstrapped(duty) for duty in _BOOTSTRAPPED]
        grants.allow(self.deploy, ["sts:AssumeRole"], bootstrapped)
        for role in (self.review, self.deploy):
            for unit in UNITS:
                grants.use_stack(
                    role,
                    f"{settings.name}-{unit}",
                    ["cloudformation:DescribeStacks", "cloudformation:GetTemplate"],
                )
            cdk.CfnOutput(
                cdk.Stack.of(self),
                f"GitHub{role.node.id}RoleArn",
                value=role.role_arn,
                description=f"Role of {repository}'s workflows: {role.node.id.lower()}",
            )

    def _role(self, construct_id: str, description: str, subject: str) -> iam.Role:
        provider = cdk.Stack.of(self).format_arn(
            service="iam", region="", resource="oidc-provider", resource_name=_ISSUER
        )
        return iam.Role(
            self,
            construct_id,
            description=description,
            assumed_by=iam.FederatedPrincipal(
                provider,
                {
                    "StringEquals": {
                        f"{_ISSUER}:aud": "sts.amazonaws.com",
                        f"{_ISSUER}:sub": f"repo:{self._repository}:{subject}",
                    }
                },
                "sts:AssumeRoleWithWebIdentity",
            ),
            # As long as the workflow that deploys may take.
            max_session_duration=cdk.Duration.hours(2),
        )

    def _bootstrapped(self, duty: str) -> str:
        stack = cdk.Stack.of(self)
        qualifier = cdk.DefaultStackSynthesizer.DEFAULT_QUALIFIER
        return stack.format_arn(
            service="iam",
            region="",
            resource="role",
            resource_name=f"cdk-{qualifier}-{duty}-role-{stack.account}-{stack.region}",
        )
