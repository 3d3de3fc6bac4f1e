"""What other accounts need of an environment whose models they serve.

AWS asks both sides: here stand the resources' own policies, which let an account as a whole do what
its own roles are allowed there (`infra.promotion.source`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam

from infra.drift.permissions import DATASETS
from infra.promotion.repository import RepositorySharing
from infra.promotion.source import APPROVALS, MODELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sagemaker as sagemaker

    from infra.deployment import Deployment


def share(deployment: Deployment) -> None:
    """Gives `promotion.target_accounts` the packages, models and images, and tells them of
    approvals.
    """
    accounts = deployment.settings.promotion.target_accounts
    if not accounts:
        return
    principals = [iam.AccountPrincipal(account) for account in accounts]
    _share_packages(deployment.training.model_package_group, principals)
    _share_objects(deployment.data.artifacts, principals)
    if deployment.data.object_key is not None:
        _share_key(deployment.data.object_key, principals)
    RepositorySharing(
        deployment.images,
        "Sharing",
        settings=deployment.settings,
        image=deployment.images.inference,
        accounts=accounts,
    )
    _forward(deployment, accounts)


def _share_packages(
    group: sagemaker.CfnModelPackageGroup, principals: Sequence[iam.AccountPrincipal]
) -> None:
    # The policy is a property of the group, which therefore can't be asked for its ARN.
    stack, name = cdk.Stack.of(group), group.model_package_group_name
    packages = stack.format_arn(
        service="sagemaker", resource="model-package", resource_name=f"{name}/*"
    )
    whole = stack.format_arn(
        service="sagemaker", resource="model-package-group", resource_name=name
    )
    document = iam.PolicyDocument(
        statements=[
            iam.PolicyStatement(
                sid=sid, principals=list(principals), actions=actions, resources=[resource]
            )
            for sid, actions, resource in (
                ("Describe", ["sagemaker:DescribeModelPackageGroup"], whole),
                (
                    "Deploy",
                    ["sagemaker:DescribeModelPackage", "sagemaker:CreateModel"],
                    packages,
                ),
            )
        ]
    )
    group.model_package_group_policy = document.to_json()


def _share_objects(bucket: s3.Bucket, principals: Sequence[iam.AccountPrincipal]) -> None:
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=list(principals),
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resources=[bucket.arn_for_objects(f"{MODELS}*"), bucket.arn_for_objects(DATASETS)],
        )
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=list(principals),
            actions=["s3:ListBucket", "s3:ListBucketVersions"],
            resources=[bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{MODELS}*"]}},
        )
    )


def _share_key(key: kms.IKey, principals: Sequence[iam.AccountPrincipal]) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=list(principals),
            actions=["kms:Decrypt"],
            resources=["*"],
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{cdk.Stack.of(key).region}.amazonaws.com"}
            },
        )
    )


def _forward(deployment: Deployment, accounts: Sequence[str]) -> None:
    """A rule an account: one rule has five targets at most."""
    serving, training = deployment.serving, deployment.training
    for account in accounts:
        bus = serving.format_arn(
            service="events", resource="event-bus", account=account, resource_name="default"
        )
        events.Rule(
            serving,
            f"ApprovalsFor{account}",
            description=f"Tells {account} of approvals of model packages of the group",
            event_pattern=events.EventPattern(
                source=APPROVALS["source"],
                detail_type=APPROVALS["detail-type"],
                detail={"ModelPackageGroupName": [training.model_package_group_name]},
            ),
            targets=[
                targets.EventBus(
                    events.EventBus.from_event_bus_arn(serving, f"Bus{account}", bus),
                    dead_letter_queue=serving.dead_letters,
                )
            ],
        )
