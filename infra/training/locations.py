"""Where an execution's files lie in S3: expressions, as its id is known only when it runs."""

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import Properties

from infra.training.wiring import Buckets


def working(buckets: Buckets, *names: str) -> Join:
    """`s3://<working bucket>/executions/<execution id>/<names>`."""
    return _of_execution(f"s3://{buckets.working}/executions", *names)


def checkpoints(buckets: Buckets) -> Join:
    """`s3://<working bucket>/checkpoints/<execution id>`."""
    return _of_execution(f"s3://{buckets.working}/checkpoints")


def tensorboard(buckets: Buckets) -> Join:
    """`s3://<working bucket>/tensorboard/<execution id>`."""
    return _of_execution(f"s3://{buckets.working}/tensorboard")


def lineage(buckets: Buckets, *names: str) -> Join:
    """`s3://<artifacts bucket>/lineage/<execution id>/<names>`."""
    return _of_execution(f"s3://{buckets.artifacts}/lineage", *names)


def output(step_properties: Properties, name: str) -> Properties:
    """The URI of a processing step's output, which makes whoever uses it depend on that step."""
    return step_properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def below(uri: PipelineVariable, name: str) -> Join:
    """`<uri>/<name>`."""
    return Join(on="/", values=[uri, name])


def _of_execution(prefix: str, *names: str) -> Join:
    return Join(on="/", values=[prefix, ExecutionVariables.PIPELINE_EXECUTION_ID, *names])
