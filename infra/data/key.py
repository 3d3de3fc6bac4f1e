"""The environment's own KMS key."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from infra.assembly import UNITS
from infra.retention import kept
from infra.settings import Settings

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
_OF_LOGS = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)


def environment_key(scope: Construct, construct_id: str, settings: Settings) -> kms.Key:
    """Encrypts volumes and, by `security.customer_managed_keys`, all else that is kept.

    It is one key, and there in any case, so that the setting can be switched: a key that came and
    went with it would take with it what it had encrypted. Its policy lets IAM decide about the
    account's identities, and adds the services that act by themselves: CloudWatch Logs for this
    environment's log groups, and EventBridge for dead letters of the account's rules.
    """
    key = kms.Key(
        scope,
        construct_id,
        description="Encrypts the storage volumes of SageMaker jobs and endpoints",
        enable_key_rotation=True,
        removal_policy=kept(settings.data.retain),
    )
    if settings.security.customer_managed_keys:
        _let_services_encrypt(key, settings.name)
    return key


def _let_services_encrypt(key: kms.Key, name: str) -> None:
    stack = cdk.Stack.of(key)
    # CloudFormation's own names begin with the stack's. A sandbox's stacks begin with this
    # environment's name too.
    groups = [
        stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=group,
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
        )
        for group in (
            *(f"{name}-{unit}-*" for unit in UNITS),
            f"/aws/sagemaker/Endpoints/{name}",
        )
    ]
    of_logs = {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}}
    # As the CDK has it for rules that send to an encrypted queue.
    of_events = {"StringEquals": {"aws:SourceAccount": stack.account}}
    for service, actions, conditions in (
        (f"logs.{stack.region}", _OF_LOGS, of_logs),
        ("events", ("kms:Decrypt", "kms:GenerateDataKey"), of_events),
    ):
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
                actions=list(actions),
                resources=["*"],
                conditions=conditions,
            )
        )
