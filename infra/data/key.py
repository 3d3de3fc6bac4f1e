"""The environment's own KMS key, and what uses it."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import grants
from infra.assembly import UNITS
from infra.retention import removal_policy
from infra.settings import Settings

# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
LOGS_ACTIONS = (
    "kms:Encrypt",
    "kms:Decrypt",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:DescribeKey",
)
_READ = ("kms:Decrypt",)
# S3 decrypts the parts of a large object to put them together, and SQS its own data key.
_WRITE = ("kms:Decrypt", "kms:GenerateDataKey")
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
_ITEMS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
# What an action on encrypted things needs of their key; the service asks KMS for it in the name of
# whoever acts.
_NEEDS = {
    "s3:GetObject": _READ,
    "s3:GetObjectVersion": _READ,
    "s3:PutObject": _WRITE,
    "sqs:ReceiveMessage": _READ,
    "sqs:SendMessage": _WRITE,
    **{
        f"dynamodb:{action}": _ITEMS
        for action in ("GetItem", "Query", "Scan", "PutItem", "UpdateItem", "DeleteItem")
    },
}


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
        removal_policy=removal_policy(settings),
    )
    if settings.security.customer_managed_keys:
        _grant_services(key, settings.name)
    return key


def grant_encrypt_logs(key: kms.Key, condition: str, log_groups: Sequence[str]) -> None:
    """Lets CloudWatch Logs encrypt these log groups with a key.

    Args:
        condition: `ArnEquals`, or `ArnLike` where the groups are patterns.
        log_groups: their ARNs.
    """
    groups: object = list(log_groups) if len(log_groups) > 1 else log_groups[0]
    _grant_service(
        key,
        f"logs.{cdk.Stack.of(key).region}",
        LOGS_ACTIONS,
        {condition: {"kms:EncryptionContext:aws:logs:arn": groups}},
    )


def _grant_services(key: kms.Key, name: str) -> None:
    # CloudFormation's own names begin with the stack's. A sandbox's stacks begin with this
    # environment's name too.
    groups = [
        grants.log_group_arn(key, group)
        for group in (*(f"{name}-{unit}-*" for unit in UNITS), f"/aws/sagemaker/Endpoints/{name}")
    ]
    grant_encrypt_logs(key, "ArnLike", groups)
    # As the CDK has it for rules that send to an encrypted queue.
    own = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(key).account}}
    _grant_service(key, "events", ("kms:Decrypt", "kms:GenerateDataKey"), own)


def _grant_service(
    key: kms.Key,
    service: str,
    actions: Sequence[str],
    conditions: Mapping[str, Mapping[str, object]],
) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=list(actions),
            resources=["*"],
            conditions=dict(conditions),
        )
    )


def encrypt_with(key: kms.IKey, scope: Construct, sagemakers: Collection[iam.IRole]) -> None:
    """Gives every queue, table and log group in `scope` the key, and every role that reads or
    writes what is encrypted the use of it, through that service alone.

    Called last, so that nobody who adds a queue or a grant has to think of it. Topics
    have a key of their own. The variables of functions hold names and no secrets: they stay
    encrypted by Lambda's.

    Args:
        sagemakers: roles whose jobs or endpoints name the key in their requests. SageMaker asks for
            `kms:Encrypt` then, and AWS does not document that it validates the key by way of S3:
            https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
    """
    for construct in scope.node.find_all():
        if isinstance(construct, sqs.CfnQueue):
            construct.kms_master_key_id = key.key_arn
            construct.sqs_managed_sse_enabled = None
        elif isinstance(construct, dynamodb.CfnTable):
            construct.sse_specification = dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True, sse_type="KMS", kms_master_key_id=key.key_arn
            )
        elif isinstance(construct, logs.CfnLogGroup) and construct.kms_key_id is None:
            construct.kms_key_id = key.key_arn
        elif isinstance(construct, iam.Policy):
            _grant_use(key, construct, by_itself=construct.node.scope in sagemakers)


def _grant_use(key: kms.IKey, policy: iam.Policy, *, by_itself: bool) -> None:
    needed: dict[str, set[str]] = {}
    for action in _allowed(policy):
        service = action.partition(":")[0]
        if action in _NEEDS:
            needed.setdefault(service, set()).update(_NEEDS[action])
    region = cdk.Stack.of(policy).region
    for service, actions in sorted(needed.items()):
        if by_itself and "kms:GenerateDataKey" in actions:
            actions.add("kms:Encrypt")
        through = [service, "sagemaker"] if by_itself else [service]
        policy.add_statements(
            iam.PolicyStatement(
                actions=sorted(actions),
                resources=[key.key_arn],
                conditions={
                    "StringEqualsIfExists" if by_itself else "StringEquals": {
                        "kms:ViaService": [f"{each}.{region}.amazonaws.com" for each in through]
                    }
                },
            )
        )


def _allowed(policy: iam.Policy) -> Iterator[str]:
    written = cdk.Stack.of(policy).resolve(policy.document.to_json())
    for statement in (written or {}).get("Statement", []):
        if statement["Effect"] == "Allow":
            actions = statement["Action"]
            yield from [actions] if isinstance(actions, str) else actions
