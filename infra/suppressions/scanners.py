"""Rules of checkov and cfn-lint that something here does not follow, with the reason."""

from infra.suppressions import Suppression

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
_CUSTOM_RESOURCE = (
    "CloudFormation calls it and waits for its answer: a failure fails the deployment or deletion, "
    "with the function's words."
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
    *(
        Suppression(function, "CKV_AWS_116", _CUSTOM_RESOURCE)
        for function in (
            "*/data/EmptierFunction*",
            "*/images/PublishedFunction*",
            "*/serving/EndpointGuardFunction*",
        )
    ),
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
"""Subjects are `<environment>/<unit>/<logical id>`, `options` being dev with every option on, or a
file's path in the repository.
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
"""Subjects are `<environment>/<unit>/<logical id>`."""
