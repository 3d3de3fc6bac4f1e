"""Grants that a rehearsal does not exercise, with what they are for.

All others are needed: tests/chain sees that no request on record would be allowed without them.
"""

from infra.suppressions import Suppression

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
"""Subjects are `<unit>/<logical id without its digits> <resource>`, rules are actions."""
