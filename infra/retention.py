"""How long logs are kept, and what becomes of what a stack made when it is taken out of it."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.settings import Settings

_LOG_DAYS = {
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
}


def log_retention(settings: Settings) -> logs.RetentionDays:
    """As long as the environment keeps logs."""
    return _LOG_DAYS[settings.operations.log_days]


def removal_policy(settings: Settings, *, resists: bool = False) -> cdk.RemovalPolicy:
    """Goes with its stack, or outlives it where the environment keeps its data.

    What is kept goes all the same where the very deployment that made it is rolled back: it is
    empty, and in the next attempt's way where it has a name.
    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html

    Args:
        resists: it may refuse to be deleted from the start, as a table under deletion protection or
            a bucket that S3 writes into: it stays behind then, as a rollback that can't delete it
            would end in ROLLBACK_FAILED.
    """
    if not settings.data.retain:
        return cdk.RemovalPolicy.DESTROY
    return cdk.RemovalPolicy.RETAIN if resists else cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE


def protected_table(
    scope: Construct,
    construct_id: str,
    settings: Settings,
    *,
    partition_key: dynamodb.Attribute,
    sort_key: dynamodb.Attribute,
) -> dynamodb.Table:
    """A table paid by request, encrypted, recoverable, kept where the environment keeps data."""
    return dynamodb.Table(
        scope,
        construct_id,
        partition_key=partition_key,
        sort_key=sort_key,
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
        encryption=dynamodb.TableEncryption.AWS_MANAGED,
        point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
            point_in_time_recovery_enabled=True
        ),
        deletion_protection=settings.data.retain,
        removal_policy=removal_policy(settings, resists=True),
    )
