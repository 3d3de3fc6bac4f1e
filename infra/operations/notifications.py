"""The topic of all notifications, and what the environment may cost in a month."""

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.retention import removal_policy
from infra.settings import Settings

_Budget = budgets.CfnBudget
# Percent of the budget.
_SPENT = 80
_FORECAST = 100


def encrypted_topic(scope: Construct, construct_id: str, settings: Settings) -> sns.Topic:
    """A TLS-only topic with its own key: alarms can't use the one AWS manages for SNS."""
    key = kms.Key(
        scope,
        f"{construct_id}Key",
        description="Encrypts notifications of Shardwise",
        enable_key_rotation=True,
        removal_policy=removal_policy(settings),
    )
    topic = sns.Topic(
        scope,
        construct_id,
        display_name="Shardwise notifications",
        master_key=key,
        enforce_ssl=True,
    )
    publishers: list[iam.IPrincipal] = [iam.ServicePrincipal("cloudwatch.amazonaws.com")]
    if settings.operations.monthly_budget_usd is not None:
        publishers.append(iam.ServicePrincipal("budgets.amazonaws.com"))
    only_own = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(scope).account}}
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=publishers,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions=only_own,
        )
    )
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=publishers,
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions=only_own,
        )
    )
    return topic


def monthly_budget(
    scope: Construct, construct_id: str, *, settings: Settings, usd: int, topic: sns.ITopic
) -> None:
    """Tells of 80 % spent and of 100 % forecast; it stops nothing.

    It counts what bears both tags of the environment, for as long as they are active as cost
    allocation tags, which the account's (or its organisation's) billing must say once. Costs come
    several hours late, and forecasts begin after about five weeks.
    https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-managing-costs.html
    """
    budget = budgets.CfnBudget(
        scope,
        construct_id,
        budget=_Budget.BudgetDataProperty(
            budget_name=settings.name,
            budget_type="COST",
            time_unit="MONTHLY",
            budget_limit=_Budget.SpendProperty(amount=usd, unit="USD"),
            metrics=["UnblendedCost"],
            filter_expression=_Budget.ExpressionProperty(
                and_=[_tagged("Project", "shardwise"), _tagged("Environment", settings.stage)]
            ),
        ),
        notifications_with_subscribers=[
            _Budget.NotificationWithSubscribersProperty(
                notification=_Budget.NotificationProperty(
                    notification_type=kind,
                    comparison_operator="GREATER_THAN",
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                ),
                subscribers=_subscribers(settings, topic.topic_arn),
            )
            for kind, percent in (("ACTUAL", _SPENT), ("FORECASTED", _FORECAST))
        ],
    )
    # AWS Budgets looks whether it may publish when it is made.
    budget.node.add_dependency(topic)


def _tagged(key: str, value: str) -> budgets.CfnBudget.ExpressionProperty:
    return _Budget.ExpressionProperty(tags=_Budget.TagValuesProperty(key=key, values=[value]))


def _subscribers(
    settings: Settings, topic_arn: str
) -> list[budgets.CfnBudget.SubscriberProperty | cdk.IResolvable]:
    return [
        _Budget.SubscriberProperty(subscription_type="SNS", address=topic_arn),
        *(
            _Budget.SubscriberProperty(subscription_type="EMAIL", address=address)
            for address in settings.operations.budget_emails
        ),
    ]
