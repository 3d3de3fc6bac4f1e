"""Rules of cdk-nag that a resource does not follow, with the reason."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import IConstruct

from infra import grants
from infra.assembly import UNITS
from infra.drift.permissions import DATASETS
from infra.network.permissions import INTERFACES
from infra.operations.job_logs import GROUPS
from infra.operations.reports.permissions import EVALUATIONS, LOG_GROUPS, NOTES
from infra.promotion.source import MODELS
from infra.serving import asynchronous, capture
from infra.serving.variants import VARIANT
from infra.trigger.permissions import executions_of

if TYPE_CHECKING:
    from infra.deployment import Deployment

_OBJECTS = (
    "S3 objects have the names that a producer or an execution gives them; the prefix is all that "
    "is known before."
)
_LOG_STREAMS = "SageMaker names the log streams when it starts the hosts; the log group is named."
_LOG_GROUP = "The asterisk is how CloudWatch Logs writes the ARN of the one log group named."
_INTERFACES = (
    "EC2 names a network interface when SageMaker makes it; subnets, security group and, to remove "
    "it, the VPC are named."
)
_ANYWHERE = (
    "So have the network interfaces of processing jobs: SageMaker's validation refuses a policy "
    "that narrows them (https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html, "
    "CreateProcessingJob API)."
)
_METRICS = (
    "cloudwatch:PutMetricData and ecr:GetAuthorizationToken have no resource to name; a condition "
    "narrows the first to one namespace, and the token alone gives access to no repository."
)
_LISTS = (
    "Lists of jobs and cloudwatch:PutMetricData have no resource to name; a condition narrows the "
    "latter to one namespace, and names and states of jobs are all that the former tell."
)
_EXECUTIONS = "SageMaker names an execution when it starts it; the pipeline is named."
_JOBS = "SageMaker Pipelines names each job when it starts it, with the prefix pipelines-."
_PACKAGES = (
    "A model package is numbered when it is registered; only those of this environment's groups "
    "match."
)
_STACK_ID = (
    "CloudFormation puts a random id at the end of a stack's ARN; the stack's name is in full."
)
_EMPTIED = "Every object goes when a stack that keeps nothing is destroyed; the bucket is named."


@dataclass(frozen=True)
class _Exception:
    construct: IConstruct
    rule: str
    reason: str


def explain(deployment: "Deployment") -> None:
    """Acknowledges the exceptions of one environment, finding by finding."""
    for exception in (
        *_of_data(deployment),
        *_of_training(deployment),
        *_of_trigger(deployment),
        *_of_serving(deployment),
        *_of_reports(deployment),
        *_of_drift(deployment),
        *_of_job_logs(deployment),
        *_of_network(deployment),
        *_of_github(deployment),
    ):
        cdk.Validations.of(exception.construct).acknowledge(
            cdk.Acknowledgment(id=exception.rule, reason=exception.reason)
        )


def _of_data(deployment: "Deployment") -> Iterator[_Exception]:
    data = deployment.data
    for bucket in data.emptied:
        logical_id = data.resolve(bucket.bucket_arn)["Fn::GetAtt"][0]
        yield _wildcard(data, f"<{logical_id}.Arn>/*", _EMPTIED)


def _of_training(deployment: "Deployment") -> Iterator[_Exception]:
    data, roles = deployment.data, deployment.training.roles
    drops = _objects(deployment, data.drops, "drops/*")
    lineage = _objects(deployment, data.artifacts, "lineage/*")
    models = _objects(deployment, data.artifacts, "models/*")
    executions, checkpoints, tensorboard = (
        _objects(deployment, data.working, f"{prefix}/*")
        for prefix in ("executions", "checkpoints", "tensorboard")
    )
    for role, log_group, objects in (
        (roles.processing, "ProcessingJobs", (drops, lineage, executions)),
        (roles.serving_model, "ProcessingJobs", (models, executions)),
        (
            roles.training,
            "TrainingJobs",
            (executions, checkpoints, tensorboard, models, *_weights(deployment)),
        ),
        (roles.evaluation, "ProcessingJobs", (models, executions)),
    ):
        joins = deployment.network.placement is not None and role is not roles.training
        yield _wildcard(role, "*", f"{_METRICS} {_ANYWHERE}" if joins else _METRICS)
        yield _wildcard(role, _log_streams(log_group), _LOG_STREAMS)
        yield from (_wildcard(role, resource, _OBJECTS) for resource in objects)
    packages = _packages(deployment)
    yield _wildcard(roles.pipeline, executions, _OBJECTS)
    yield _wildcard(roles.pipeline, models, _OBJECTS)
    yield _wildcard(roles.pipeline, _arn("sagemaker", "processing-job/pipelines-*"), _JOBS)
    yield _wildcard(roles.pipeline, _arn("sagemaker", "training-job/pipelines-*"), _JOBS)
    yield _wildcard(roles.pipeline, packages, _PACKAGES)
    yield _wildcard(roles.serving_model, packages, _PACKAGES)


def _weights(deployment: "Deployment") -> list[str]:
    uri = deployment.settings.training.weights_uri
    return [f"arn:<AWS::Partition>:s3:::{uri.removeprefix('s3://')}*"] if uri else []


def _of_trigger(deployment: "Deployment") -> Iterator[_Exception]:
    starter = deployment.trigger.starter
    executions = executions_of(f"pipeline/{deployment.training.pipeline_name}")
    yield _wildcard(starter, _arn("sagemaker", executions), _EXECUTIONS)
    yield _wildcard(starter, "*", _METRICS)
    datasets = _objects(deployment, deployment.data.artifacts, DATASETS)
    yield _wildcard(starter, datasets, _OBJECTS)


def _of_serving(deployment: "Deployment") -> Iterator[_Exception]:
    serving = deployment.serving
    models = _of_source(deployment, f"{MODELS}*") or _objects(
        deployment, deployment.data.artifacts, f"{MODELS}*"
    )
    yield _wildcard(serving.endpoint_role, "*", _METRICS)
    for objects in (models, *_inference(deployment)):
        yield _wildcard(serving.endpoint_role, objects, _OBJECTS)
    yield _wildcard(
        serving.endpoint_role, _log_streams(f"Endpoints/{serving.endpoint_name}"), _LOG_STREAMS
    )
    yield _wildcard(
        serving.deployer, _arn("cloudformation", f"stack/{serving.stack_name}/*"), _STACK_ID
    )
    packages = _arn("sagemaker", f"model-package/{_group(deployment)}/*")
    if source := deployment.source:
        packages = source.packages
        yield _wildcard(deployment.training.roles.serving_model, source.packages, _PACKAGES)
        yield _wildcard(deployment.training.roles.serving_model, models, _OBJECTS)
    yield _wildcard(serving.deployer, packages, _PACKAGES)


def _of_network(deployment: "Deployment") -> Iterator[_Exception]:
    if deployment.network.placement is not None:
        for role in (deployment.training.roles.training, deployment.serving.endpoint_role):
            yield _wildcard(role, _arn("ec2", INTERFACES), _INTERFACES)


def _of_job_logs(deployment: "Deployment") -> Iterator[_Exception]:
    job_logs = deployment.operations.job_logs
    if job_logs is not None:
        for group in GROUPS:
            yield _wildcard(job_logs, _arn("logs", f"log-group:{group}:*"), _LOG_GROUP)


def _of_reports(deployment: "Deployment") -> Iterator[_Exception]:
    reporter, data = deployment.operations.reporter, deployment.data
    executions = executions_of(f"pipeline/{deployment.training.pipeline_name}")
    yield _wildcard(reporter, _arn("sagemaker", executions), _EXECUTIONS)
    yield _wildcard(reporter, "*", _LISTS)
    for kind in ("processing-job", "training-job"):
        yield _wildcard(reporter, _arn("sagemaker", f"{kind}/pipelines-*"), _JOBS)
    yield _wildcard(reporter, _packages(deployment), _PACKAGES)
    for group in LOG_GROUPS:
        yield _wildcard(reporter, _arn("logs", f"log-group:{group}:*"), _LOG_GROUP)
    stack = f"stack/{deployment.serving.stack_name}/*"
    yield _wildcard(reporter, _arn("cloudformation", stack), _STACK_ID)
    for bucket, pattern in (
        (data.artifacts, DATASETS),
        (data.artifacts, NOTES),
        (data.working, EVALUATIONS),
    ):
        yield _wildcard(reporter, _objects(deployment, bucket, pattern), _OBJECTS)


def _inference(deployment: "Deployment") -> Iterator[str]:
    settings, bucket = deployment.settings.endpoint, deployment.data.inference
    if settings.capture_percent:
        yield _objects(deployment, bucket, f"{capture.PREFIX}*")
    if settings.mode == "asynchronous":
        for prefix in (asynchronous.REQUESTS, asynchronous.ANSWERS, asynchronous.FAILURES):
            yield _objects(deployment, bucket, f"{prefix}*")


def _of_drift(deployment: "Deployment") -> Iterator[_Exception]:
    drift = deployment.operations.drift
    if drift is None:
        return
    data, serving = deployment.data, deployment.serving
    stack = _arn("cloudformation", f"stack/{serving.stack_name}/*")
    answers = f"{capture.PREFIX}{serving.endpoint_name}/{VARIANT}/*"
    yield _wildcard(drift.comparison, stack, _STACK_ID)
    source = deployment.source
    packages = source.packages if source else _packages(deployment)
    yield _wildcard(drift.comparison, packages, _PACKAGES)
    yield _wildcard(drift.comparison, "*", _METRICS)
    datasets = _of_source(deployment, DATASETS) or _objects(deployment, data.artifacts, DATASETS)
    for objects in (_objects(deployment, data.inference, answers), datasets):
        yield _wildcard(drift.comparison, objects, _OBJECTS)
    if drift.retraining:
        yield _wildcard(drift.retraining, stack, _STACK_ID)


def _of_github(deployment: "Deployment") -> Iterator[_Exception]:
    if deployment.github is None:
        return
    for unit in UNITS:
        stack = _arn("cloudformation", f"stack/{deployment.settings.name}-{unit}/*")
        for role in (deployment.github.review, deployment.github.deploy):
            yield _wildcard(role, stack, _STACK_ID)


def _wildcard(construct: IConstruct, resource: str, reason: str) -> _Exception:
    return _Exception(construct, f"AwsSolutions-IAM5[Resource::{resource}]", reason)


def _objects(deployment: "Deployment", bucket: s3.Bucket, pattern: str) -> str:
    # cdk-nag names a resource of another stack by its export.
    arn = deployment.data.resolve(deployment.data.export_value(bucket.bucket_arn))
    return f"{arn['Fn::ImportValue']}/{pattern}"


def _of_source(deployment: "Deployment", pattern: str) -> str | None:
    """Objects of the environment that trains the models, where that is another one."""
    source = deployment.source
    return f"arn:<AWS::Partition>:s3:::{source.bucket}/{pattern}" if source else None


def _group(deployment: "Deployment") -> str:
    """The model package group's name, as cdk-nag has it in another stack."""
    training = deployment.training
    group = training.node.find_child("ModelPackageGroup")
    assert isinstance(group, sagemaker.CfnModelPackageGroup)  # noqa: S101
    arn = training.resolve(training.export_value(group.attr_model_package_group_arn))
    name = {"Fn::Select": [1, {"Fn::Split": ["/", arn]}]}
    return json.dumps(name, separators=(",", ":"))


def _packages(deployment: "Deployment") -> str:
    return _arn(
        "sagemaker", f"model-package/{grants.model_packages(deployment.training.pipeline_name)}"
    )


def _log_streams(log_group: str) -> str:
    return _arn("logs", f"log-group:/aws/sagemaker/{log_group}:log-stream:*")


def _arn(service: str, resource: str) -> str:
    return f"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:{resource}"
