"""What breaks a rule and has to, each with its reason: a table for each kind of rule."""

from infra.settings import Settings
from infra.suppressions import Suppression

_CUSTOM_RESOURCE = (
    "CloudFormation calls it and waits for its answer: a failure fails the deployment or deletion, "
    "with the function's words."
)
_CUSTOM_RESOURCES = (
    "data/EmptierFunction*",
    "images/PublishedFunction*",
    "serving/EndpointGuardFunction*",
)

OWN_RULES = (
    Suppression(
        "CreateManifests",
        "network-isolation",
        "It lists the drops bucket and reads earlier executions' lineage itself: how much there is "
        "only a listing tells, so that SageMaker can't bring it.",
    ),
    Suppression(
        "FetchServingModel",
        "network-isolation",
        "It asks SageMaker which model serves now, which no input of a job can tell.",
    ),
    *(Suppression(each, "dead-letters", _CUSTOM_RESOURCE) for each in _CUSTOM_RESOURCES),
)
"""Our own rules, `infra/rules`. Subjects are a step's name or `<unit>/<logical id>`."""

_NOT_ISOLATED = tuple(
    Suppression(
        step,
        "network-isolation",
        "The environment's settings say so: network.isolate_jobs is off.",
    )
    for step in ("ShardImages", "TrainModel", "EvaluateModel")
)
_OF_THE_VPC = Suppression(
    "network/VpcEndpoints*",
    "named-principals",
    "A VPC endpoint's policy names everybody and says by a condition who is meant: the account's "
    "own identities (aws:PrincipalAccount).",
)
_OF_SHARING = Suppression("images/SharingFunction*", "dead-letters", _CUSTOM_RESOURCE)


def suppressions_of(settings: Settings) -> tuple[Suppression, ...]:
    """Of our own rules, those of an environment."""
    return (
        *OWN_RULES,
        *(() if settings.network.isolate_jobs else _NOT_ISOLATED),
        *((_OF_SHARING,) if settings.promotion.target_accounts else ()),
        *((_OF_THE_VPC,) if settings.network.vpc else ()),
    )


_OWN_KEYS = (
    "AWS's own key encrypts it; security.customer_managed_keys takes the environment's own, which "
    "costs its requests."
)
_ROOT = (
    "SageMaker runs a container alone on its instance and mounts /opt/ml for root: another user "
    "can't write outputs, checkpoints or failure files there "
    "(https://github.com/aws/sagemaker-python-sdk/issues/4764)."
)

_CONCURRENCY = (
    "A new account has too little concurrency to reserve any; what must not run twice is kept from "
    "it by conditional writes."
)
_NO_VPC = (
    "It calls AWS's own services alone, over TLS and with its role; in a VPC it would need an "
    "endpoint for each of them."
)
_INTERFACES = (
    "ec2:DeleteNetworkInterfacePermission has no resource to name: jobs and models in the VPC need "
    "it for the network interfaces that SageMaker makes for them."
)
_ANY_INTERFACE = (
    "SageMaker refuses a processing job in a VPC whose role has conditions or resources on these "
    "(https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html)."
)
_QUEUE_KEY = (
    "SQS encrypts it with a key of its own, SqsManagedSseEnabled, which checkov does not look for; "
    "the rule encrypted of infra/rules does."
)

CHECKOV = (
    Suppression(
        "*/data/AccessLogs*",
        "CKV_AWS_18",
        "It takes the access logs of the other buckets: its own would be written into itself, "
        "without an end.",
    ),
    Suppression("*Function*", "CKV_AWS_115", _CONCURRENCY),
    Suppression("*/serving/ApprovedModelDeploymentDeployer*", "CKV_AWS_115", _CONCURRENCY),
    *(Suppression(f"*/{each}", "CKV_AWS_116", _CUSTOM_RESOURCE) for each in _CUSTOM_RESOURCES),
    Suppression("*Function*", "CKV_AWS_117", _NO_VPC),
    Suppression("*/serving/ApprovedModelDeploymentDeployer*", "CKV_AWS_117", _NO_VPC),
    Suppression("options/serving/EndpointRoleDefaultPolicy*", "CKV_AWS_109", _INTERFACES),
    Suppression("options/training/Roles*DefaultPolicy*", "CKV_AWS_109", _INTERFACES),
    *(
        Suppression(f"options/training/Roles{role}DefaultPolicy*", "CKV_AWS_111", _ANY_INTERFACE)
        for role in ("Processing", "ServingModel", "Evaluation")
    ),
    Suppression("*", "CKV_AWS_119", _OWN_KEYS),
    Suppression("*", "CKV_AWS_158", _OWN_KEYS),
    Suppression(
        "*",
        "CKV_AWS_173",
        "An environment holds names and limits and no secrets (rule secrets of infra/rules), and "
        "AWS's own key encrypts it.",
    ),
    Suppression("*DeadLetters*", "CKV_AWS_27", _QUEUE_KEY),
    Suppression(
        "containers/*/Dockerfile",
        "CKV_DOCKER_2",
        "SageMaker does not look at HEALTHCHECK: it asks a model server GET /ping, and of a job "
        "the exit status.",
    ),
    Suppression("containers/*/Dockerfile", "CKV_DOCKER_3", _ROOT),
    Suppression(
        "containers/training/Dockerfile",
        "CKV_DOCKER_7",
        "The tag is in BASE, an argument that stands before FROM, where checkov does not look.",
    ),
    Suppression(
        ".github/workflows/deploy.yml",
        "CKV_GHA_7",
        "Its one input is the environment, a choice of three names, and who must approve each is "
        "GitHub's setting; the commit says all the rest.",
    ),
)
"""Of checkov. Subjects are `<environment>/<unit>/<logical id>`, `options` being dev with every
option on, or a file's path in the repository.
"""

_ROLE = (
    "The CDK's Lambda construct names its role both as a property and as a dependency; the second "
    "changes nothing."
)
_WHOLE = "What it names as a property is named as a dependency, too, with the policy beside it."

CFN_LINT = (
    Suppression("*/*Function*", "W3005", _ROLE),
    Suppression("*/serving/ApprovedModelDeploymentDeployer*", "W3005", _ROLE),
    Suppression("options/network/VpcFlowLog*", "W3005", _WHOLE),
    Suppression("options/operations/Budget", "W3005", _WHOLE),
)
"""Of cfn-lint. Subjects are `<environment>/<unit>/<logical id>`."""

_FAILED_UPLOAD = (
    "SageMaker and boto3 take back an upload in parts that failed: without this its parts would be "
    "kept and paid for until the bucket's lifecycle rule. No upload fails in a rehearsal."
)
_STOP = "A person stops an execution: SageMaker stops its jobs as the pipeline's role."
_VOLUME = (
    "AWS does not document whether it lets SageMaker use the volumes' key as who asks for a job or "
    "as the job's role: the rehearsal does it as the job's role, and both may."
)
_LETTER = "Lambda sends an event here that failed three times, which none does in a rehearsal."
_NOTIFIED = (
    "SNS uses the topic's key as who publishes, which a rehearsal's does not: there only S3 asks "
    "for keys."
)
_RARE = "Read for the message of a run whose job failed, which none does in a rehearsal."
_RESUMED = (
    "Brought to a training job that goes on from another's checkpoints, as after lost capacity: "
    "tests/rehearsal/jobs/test_checkpoints.py sees that."
)

EXERCISED_ELSEWHERE = (
    Suppression("training/Roles* *", "s3:AbortMultipartUpload", _FAILED_UPLOAD),
    Suppression("training/RolesPipeline *:processing-job/*", "sagemaker:StopProcessingJob", _STOP),
    Suppression("training/RolesPipeline *:training-job/*", "sagemaker:StopTrainingJob", _STOP),
    Suppression("training/RolesPipeline *", "kms:CreateGrant", _VOLUME),
    Suppression("training/RolesPipeline *", "kms:DescribeKey", _VOLUME),
    Suppression(
        "training/RolesPipeline *",
        "sagemaker:DescribeModelPackageGroup",
        "SageMaker Pipelines makes the group of a RegisterModel step where it is not there: AWS "
        "does not document that it looks for it first, and it could not make another.",
    ),
    Suppression("training/RolesTraining *-working*/checkpoints/*", "s3:GetObject", _RESUMED),
    Suppression("*/*FunctionRole *", "sqs:SendMessage", _LETTER),
    Suppression("serving/*DeployerRole *", "sqs:SendMessage", _LETTER),
    Suppression("operations/ReporterFunctionRole *", "kms:Decrypt", _NOTIFIED),
    Suppression("operations/ReporterFunctionRole *", "kms:GenerateDataKey", _NOTIFIED),
    Suppression("operations/ReporterFunctionRole *", "logs:DescribeLogStreams", _RARE),
)
"""Grants that a rehearsal does not exercise. Subjects are
`<unit>/<logical id without its digits> <resource>`, rules are actions.

All others are needed: tests/chain sees that no request on record would be allowed without them.
"""
