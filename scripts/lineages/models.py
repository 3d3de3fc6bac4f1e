"""The models that executions of the pipeline made: registered ones, and those turned down."""

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from infra.names import MODEL_PACKAGE_GROUP_NAME
from scripts.console import CommandError
from scripts.deployed import packages, stacks
from scripts.deployed.logs import job_of, named
from scripts.deployed.pipelines import executions, steps_of
from scripts.lineages.store import in_parallel

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import DescribeModelPackageOutputTypeDef

EXECUTION_ARN = "PipelineExecutionArn"


@dataclass(frozen=True)
class Model:
    """A model package, or the artifact of a model that was not registered.

    Attributes:
        name: the package's ARN, or the S3 URI of the artifact.
        status: of its approval, or "not registered".
        served: whether the environment's endpoint serves it.
    """

    name: str
    status: str
    execution_arn: str
    served: bool = False

    @property
    def execution_id(self) -> str:
        """The last part of the execution's ARN."""
        return self.execution_arn.rsplit("/", 1)[-1]


class Models:
    """The models of one environment, asked of SageMaker."""

    def __init__(self, session: boto3.Session, environment: str) -> None:
        self._session = session
        self._sagemaker = session.client("sagemaker")
        training = stacks.outputs_of(stacks.describe(session, environment, "training"))
        self._group, self._pipeline = training[MODEL_PACKAGE_GROUP_NAME], training["PipelineName"]
        self._served = _served_package(session, environment)

    def package(self, named: str) -> Model:
        """One by its ARN, version or "latest"; CommandError where no execution made such a one."""
        arn = named if named.startswith("arn:") else self._arn_of(named)
        try:
            described = self._sagemaker.describe_model_package(ModelPackageName=arn)
        except ClientError as error:
            raise CommandError(
                f"The model package {arn} is not there: ./scripts/lineage model latest takes the "
                f"newest of the group {self._group}."
            ) from error
        model = self._model(described)
        if model is None:
            raise CommandError(
                f"The model package {arn} names no {EXECUTION_ARN} in its metadata: no execution "
                "of the pipeline made it, so it has no lineage."
            )
        return model

    def by_execution(self) -> dict[str, list[Model]]:
        """The registered models by execution id."""
        described = in_parallel(
            lambda arn: self._sagemaker.describe_model_package(ModelPackageName=arn),
            packages.arns(self._session, self._group),
        )
        models: defaultdict[str, list[Model]] = defaultdict(list)
        for model in map(self._model, described):
            if model is not None:
                models[model.execution_id].append(model)
        return models

    def unregistered(self, execution_ids: set[str]) -> dict[str, list[Model]]:
        """Models of these executions that were trained and never registered, by execution id."""
        arns = [
            arn
            for arn in executions(self._session, self._pipeline)
            if arn.rsplit("/", 1)[-1] in execution_ids
        ]
        trained = in_parallel(self._artifact, arns)
        return {
            arn.rsplit("/", 1)[-1]: [Model(uri, "not registered", arn)]
            for arn, uri in zip(arns, trained, strict=True)
            if uri is not None
        }

    def _arn_of(self, version: str) -> str:
        for arn in packages.arns(self._session, self._group):
            if version == "latest" or arn.endswith(f"/{version}"):
                return arn
        raise CommandError(
            f"The model package group {self._group} has no version {version}: "
            "./scripts/watch shows whether an execution registers one."
        )

    def _model(self, package: "DescribeModelPackageOutputTypeDef") -> Model | None:
        execution = package.get("CustomerMetadataProperties", {}).get(EXECUTION_ARN)
        if execution is None:
            return None
        arn = package["ModelPackageArn"]
        status = package.get("ModelApprovalStatus", "no approval status")
        return Model(arn, status, execution, served=arn == self._served)

    def _artifact(self, execution_arn: str) -> str | None:
        for step in steps_of(self._session, execution_arn):
            job = job_of(step)
            is_training = "TrainingJob" in step.get("Metadata", {})
            if job is not None and is_training and step["StepStatus"] == "Succeeded":
                name = named(self._session, job).name
                described = self._sagemaker.describe_training_job(TrainingJobName=name)
                return described["ModelArtifacts"]["S3ModelArtifacts"]
        return None


def _served_package(session: boto3.Session, environment: str) -> str | None:
    try:
        serving = stacks.describe(session, environment, "serving")
    except CommandError:
        return None
    return stacks.outputs_of(serving).get("ModelPackageArn")
