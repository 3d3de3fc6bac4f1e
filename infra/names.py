"""Names that several places must spell alike: the one leaf that all of them import.

Nothing of the CDK is imported here, so that commands may use it too. Lambda functions get what they
need of these by their environment, or spell it themselves: tests/functions/test_names.py holds them
to these.
"""

# Objects: what their keys begin with, in the bucket of the comment.
DROPS = "drops/"  # drops
MARKER = "_SUCCESS"  # drops/<drop id>/_SUCCESS
LINEAGE = "lineage/"  # artifacts
MODELS = "models/"  # artifacts
REPORTS = "reports/"  # artifacts
DRIFT = "drift/"  # artifacts
EXECUTIONS = "executions/"  # working
CHECKPOINTS = "checkpoints/"  # working
TENSORBOARD = "tensorboard/"  # working
CAPTURED = "captured/"  # inference
ASYNCHRONOUS_REQUESTS = "asynchronous/requests/"  # inference
ASYNCHRONOUS_ANSWERS = "asynchronous/answers/"  # inference
ASYNCHRONOUS_FAILURES = "asynchronous/failures/"  # inference

# Single objects, one an execution.
DATASETS = f"{LINEAGE}*/dataset.json"
EVALUATIONS = f"{EXECUTIONS}*/evaluation/evaluation.json"
COMPARISON = f"{DRIFT}comparison.json"

# Outputs of stacks that commands ask for.
DROPS_BUCKET_NAME = "DropsBucketName"
WORKING_BUCKET_NAME = "WorkingBucketName"
ARTIFACTS_BUCKET_NAME = "ArtifactsBucketName"
INFERENCE_BUCKET_NAME = "InferenceBucketName"
DROPS_TABLE_NAME = "DropsTableName"
STARTER_FUNCTION_NAME = "StarterFunctionName"
COMPARISON_FUNCTION_NAME = "ComparisonFunctionName"
MODEL_PACKAGE_GROUP_NAME = "ModelPackageGroupName"

# Events of AWS, by their detail-type, and the one of our own.
EXECUTION_CHANGED = "SageMaker Model Building Pipeline Execution Status Change"
STEP_CHANGED = "SageMaker Model Building Pipeline Execution Step Status Change"
MODEL_PACKAGE_CHANGED = "SageMaker Model Package State Change"
STACK_CHANGED = "CloudFormation Stack Status Change"
ALARM_CHANGED = "CloudWatch Alarm State Change"
OBJECT_CREATED = "Object Created"
RETRAINING_REQUESTED = "Retraining Requested"
RETRAINING_SOURCE = "shardwise.drift"

ENDED = ("Succeeded", "Failed", "Stopped")
"""Statuses of an execution or a step that is over."""

NAMESPACE = "Shardwise"
"""Namespace of our own metrics."""

VARIANT = "AllTraffic"
SHADOW_VARIANT = "Shadow"

MODEL_PACKAGE_PARAMETER = "ModelPackageArn"
"""The serving stack's one parameter, and its output of the same name."""

PROCESSING_LOGS = "/aws/sagemaker/ProcessingJobs"
TRAINING_LOGS = "/aws/sagemaker/TrainingJobs"

EMPTIED_TAG = "shardwise:emptied"
"""A bucket with this tag is emptied when its stack is destroyed, and no other."""

RUNBOOKS = "docs/runbooks/"
"""Where people read what an alarm or a message wants of them, a page each."""


def with_runbook(description: str, page: str) -> str:
    """An alarm's description, with the runbook that it names.

    Args:
        description: what is wrong, without a full stop.
        page: name of a file in `docs/runbooks`, without its ending.
    """
    return f"{description}. Runbook: {RUNBOOKS}{page}.md"


def runbooks_address(repository: str | None) -> str:
    """What a page follows in messages and on the dashboard: an address where there is one.

    Args:
        repository: `<owner>/<name>` on GitHub.
    """
    return f"https://github.com/{repository}/blob/HEAD/{RUNBOOKS}" if repository else RUNBOOKS


def bucket_and_key(uri: str) -> tuple[str, str]:
    """The two parts of `s3://<bucket>/<key>`."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
