"""The topic that alarms and failed executions are published to."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.retention import kept

_PUBLISHERS = ("cloudwatch.amazonaws.com",)


def encrypted_topic(
    scope: Construct, construct_id: str, *, retain_key: bool, budgets: bool = False
) -> sns.Topic:
    """A TLS-only topic with its own key: alarms can't use the one AWS manages for SNS.

    Args:
        budgets: whether AWS Budgets publishes to it, too.
    """
    account = cdk.Stack.of(scope).account
    only_own = {"StringEquals": {"aws:SourceAccount": account}}
    key = kms.Key(
        scope,
        f"{construct_id}Key",
        description="Encrypts notifications of Shardwise",
        enable_key_rotation=True,
        removal_policy=kept(retain_key),
    )
    topic = sns.Topic(
        scope,
        construct_id,
        display_name="Shardwise notifications",
        master_key=key,
        enforce_ssl=True,
    )
    names = (*_PUBLISHERS, "budgets.amazonaws.com") if budgets else _PUBLISHERS
    publishers = [iam.ServicePrincipal(name) for name in names]
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=list(publishers),
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions=only_own,
        )
    )
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=list(publishers),
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=only_own,
        )
    )
    return topic
