"""Pipeline definitions as the SageMaker Python SDK v3 emits them, without any call to AWS."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import boto3
from sagemaker.core.model_registry import create_model_package_from_containers
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import (
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    S3DataSource,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.retry import (
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, TrainingStep
from sagemaker.train.configs import Compute, InputData
from sagemaker.train.model_trainer import ModelTrainer

ROLE = "arn:aws:iam::000000000000:role/pipeline"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:1"
CHANNELS = ("train", "validation", "test")

_SESSION = PipelineSession(
    boto_session=boto3.Session("x", "y", region_name="us-east-1"), default_bucket="working"
)
_DROP = ParameterString("DropId")
_THRESHOLD = ParameterFloat("AccuracyThreshold", 0.9)
_EPOCHS = ParameterInteger("Epochs", 3)
_HOSTS = ParameterInteger("Hosts", 2)


def training_pipeline() -> str:
    """Six steps: manifests, shards, training, evaluation, a condition, and its two ends."""
    create = _create_manifests()
    shard = _shard_images(create)
    train = _train_model(shard)
    evaluate = _evaluate_model(train, shard)
    check = _check_quality(evaluate, train)
    return Pipeline(
        name="training",
        parameters=[_DROP, _THRESHOLD, _EPOCHS, _HOSTS],
        steps=[create, shard, train, evaluate, check],
        sagemaker_session=_SESSION,
    ).definition()


def _execution_folder(name: str) -> Join:
    return Join("/", ["s3://working/executions", ExecutionVariables.PIPELINE_EXECUTION_ID, name])


def _output(name: str) -> ProcessingOutput:
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=_execution_folder(name),
            local_path=f"/opt/ml/processing/output/{name}",
            s3_upload_mode="EndOfJob",
        ),
    )


def _input(name: str, uri: Any, data_type: str, distribution: str) -> ProcessingInput:
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            s3_data_type=data_type,
            local_path=f"/opt/ml/processing/input/{name}",
            s3_input_mode="File",
            s3_data_distribution_type=distribution,
        ),
    )


def _processor(instance_count: Any, module: str) -> Processor:
    return Processor(
        role=ROLE,
        image_uri=IMAGE,
        instance_count=instance_count,
        instance_type="ml.m5.large",
        entrypoint=["python", "-m", module],
        sagemaker_session=_SESSION,
    )


def _output_uri(step: Any, name: str) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs[name].S3Output.S3Uri


def _create_manifests() -> ProcessingStep:
    arguments = _processor(1, "processing.create_manifests").run(
        inputs=[],
        outputs=[_output("manifests")],
        arguments=["--drop-id", _DROP, "--epochs", _EPOCHS.to_string()],
    )
    return ProcessingStep(
        name="CreateManifests",
        step_args=arguments,
        cache_config=CacheConfig(enable_caching=True, expire_after="P1D"),
    )


def _shard_images(create: ProcessingStep) -> ProcessingStep:
    folder = _output_uri(create, "manifests")
    inputs = [
        _input(name, Join("/", [folder, f"{name}.manifest"]), "ManifestFile", "ShardedByS3Key")
        for name in CHANNELS
    ]
    arguments = _processor(_HOSTS, "processing.shard_images").run(
        inputs=inputs, outputs=[_output(name) for name in CHANNELS]
    )
    policy = SageMakerJobStepRetryPolicy(
        failure_reason_types=[SageMakerJobExceptionTypeEnum.INTERNAL_ERROR], max_attempts=2
    )
    return ProcessingStep(name="ShardImages", step_args=arguments, retry_policies=[policy])


def _train_model(shard: ProcessingStep) -> TrainingStep:
    channels = [
        InputData(
            channel_name=name,
            data_source=S3DataSource(
                s3_data_type="S3Prefix",
                s3_uri=_output_uri(shard, name),
                s3_data_distribution_type="FullyReplicated",
            ),
        )
        for name in ("train", "validation")
    ]
    trainer = ModelTrainer(
        training_image=IMAGE,
        role=ROLE,
        sagemaker_session=_SESSION,
        compute=Compute(instance_type="ml.m5.large", instance_count=_HOSTS),
        output_data_config=OutputDataConfig(s3_output_path="s3://artifacts/models"),
        hyperparameters={"epochs": _EPOCHS.to_string(), "seed": 7},
        input_data_config=channels,
    )
    return TrainingStep(name="TrainModel", step_args=trainer.train())


def _evaluate_model(train: TrainingStep, shard: ProcessingStep) -> ProcessingStep:
    model = train.properties.ModelArtifacts.S3ModelArtifacts
    arguments = _processor(1, "training.evaluate_model").run(
        inputs=[
            _input("model", model, "S3Prefix", "FullyReplicated"),
            _input("test", _output_uri(shard, "test"), "S3Prefix", "FullyReplicated"),
        ],
        outputs=[_output("evaluation")],
    )
    return ProcessingStep(name="EvaluateModel", step_args=arguments, property_files=[_EVALUATION])


_EVALUATION = PropertyFile(name="Evaluation", output_name="evaluation", path="evaluation.json")


def _check_quality(evaluate: ProcessingStep, train: TrainingStep) -> ConditionStep:
    accuracy = JsonGet(
        step_name=evaluate.name,
        property_file=_EVALUATION,
        json_path="multiclass_classification_metrics.accuracy.value",
    )
    reject = FailStep(
        name="RejectModel",
        error_message=Join(" ", ["Accuracy", accuracy, "is below", _THRESHOLD]),
    )
    return ConditionStep(
        name="CheckQuality",
        conditions=[ConditionGreaterThanOrEqualTo(left=accuracy, right=_THRESHOLD)],
        if_steps=[_register_model(evaluate, train)],
        else_steps=[reject],
    )


def _register_model(evaluate: ProcessingStep, train: TrainingStep) -> ModelStep:
    metrics = Join("/", [_output_uri(evaluate, "evaluation"), "evaluation.json"])
    _SESSION.init_model_step_arguments(SimpleNamespace(sagemaker_session=_SESSION))
    create_model_package_from_containers(
        _SESSION,
        model_package_group_name="models",
        approval_status="PendingManualApproval",
        containers=[
            {"Image": IMAGE, "ModelDataUrl": train.properties.ModelArtifacts.S3ModelArtifacts}
        ],
        content_types=["image/png"],
        response_types=["application/json"],
        model_metrics={
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": metrics}}
        },
    )
    return ModelStep(name="RegisterModel", step_args=_SESSION.context)
