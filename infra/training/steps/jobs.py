"""What steps with jobs share: where files lie, what is tried again, a processing job's request."""

from collections.abc import Sequence

from sagemaker.core.helper.pipeline_variable import PipelineVariable
from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.properties import Properties
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)

from infra.costs.prices import volume_key
from infra.names import EXECUTIONS, LINEAGE
from infra.settings import Evaluation, Manifests, ServingModel, Shards
from infra.training.wiring import Buckets, Wiring

RetryPolicies = list[StepRetryPolicy | SageMakerJobStepRetryPolicy]

INPUT = "/opt/ml/processing/input"
OUTPUT = "/opt/ml/processing/output"


def processor(  # noqa: PLR0913 - what processing jobs differ in
    wiring: Wiring,
    *,
    image: str,
    role_arn: str,
    module: str,
    settings: Manifests | ServingModel | Shards | Evaluation,
    isolated: bool,
    hosts: int = 1,
) -> Processor:
    """What the SDK makes a processing job's request of; its `run` gives a step's Arguments.

    Args:
        module: the Python module that the container runs.
        isolated: the container needs no network and, by setting, has none; its inputs and outputs
            are moved by SageMaker itself.
    """
    placement = wiring.placement
    return Processor(
        image_uri=image,
        role=role_arn,
        entrypoint=["python", "-m", module],
        instance_count=hosts,
        instance_type=settings.instance_type,
        volume_size_in_gb=settings.volume_gb,
        volume_kms_key=volume_key(settings.instance_type, wiring.volume_key_arn),
        max_runtime_in_seconds=settings.max_runtime_seconds,
        output_kms_key=wiring.output_key_arn,
        network_config=NetworkConfig(
            enable_network_isolation=isolated and wiring.settings.network.isolate_jobs,
            encrypt_inter_container_traffic=True,
            subnets=list(placement.subnets) if placement else None,
            security_group_ids=[placement.processing] if placement else None,
        ),
        base_job_name="processing",
        tags=[{"Key": key, "Value": value} for key, value in wiring.tags.items()],
        sagemaker_session=wiring.session,
    )


def from_s3(
    name: str,
    uri: PipelineVariable,
    *,
    s3_data_type: str = "S3Prefix",
    distribution: str = "FullyReplicated",
) -> ProcessingInput:
    """An input at `/opt/ml/processing/input/<name>`."""
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=f"{INPUT}/{name}",
            s3_data_type=s3_data_type,
            s3_input_mode="File",
            s3_data_distribution_type=distribution,
        ),
    )


def to_s3(name: str, uri: PipelineVariable) -> ProcessingOutput:
    """An output from `/opt/ml/processing/output/<name>`, uploaded when the job ends."""
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=uri, local_path=f"{OUTPUT}/{name}", s3_upload_mode="EndOfJob"
        ),
    )


def command_line(**options: str | float | PipelineVariable) -> Sequence[str | PipelineVariable]:
    """`--option-name value` for each keyword; each value becomes a string."""
    return [
        part
        for name, value in options.items()
        for part in (
            f"--{name.replace('_', '-')}",
            value.to_string() if isinstance(value, PipelineVariable) else str(value),
        )
    ]


def execution_uri(bucket: str, prefix: str, *names: str) -> Join:
    """`s3://<bucket>/<prefix><execution id>/<names>`."""
    folder = f"s3://{bucket}/{prefix}".removesuffix("/")
    return Join(on="/", values=[folder, ExecutionVariables.PIPELINE_EXECUTION_ID, *names])


def working_uri(buckets: Buckets, *names: str) -> Join:
    """`s3://<working bucket>/executions/<execution id>/<names>`."""
    return execution_uri(buckets.working, EXECUTIONS, *names)


def lineage_uri(buckets: Buckets, *names: str) -> Join:
    """`s3://<artifacts bucket>/lineage/<execution id>/<names>`."""
    return execution_uri(buckets.artifacts, LINEAGE, *names)


def output_uri(step_properties: Properties, name: str) -> Properties:
    """The URI of a processing step's output, which makes whoever uses it depend on that step."""
    return step_properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def below(uri: PipelineVariable, name: str) -> Join:
    """`<uri>/<name>`."""
    return Join(on="/", values=[uri, name])


def service_retry() -> StepRetryPolicy:
    """Throttling and faults of the service: often, soon."""
    return StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.SERVICE_FAULT, StepExceptionTypeEnum.THROTTLING],
        interval_seconds=5,
        backoff_rate=2.0,
        max_attempts=6,
    )


def job_retries() -> RetryPolicies:
    """The service's faults, and a job that failed by no fault of its own.

    A resource limit is not tried again: it lasts until somebody raises the quota.
    """
    return [
        service_retry(),
        SageMakerJobStepRetryPolicy(
            failure_reason_types=[
                SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
                SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
            ],
            interval_seconds=60,
            backoff_rate=2.0,
            max_attempts=3,
        ),
    ]
