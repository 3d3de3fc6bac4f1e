"""The pipeline, its roles and the group that its models are registered in."""

import json
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import names
from infra.assembly import Definition
from infra.data import DataStack
from infra.images import ImagesStack
from infra.network import Placement
from infra.settings import Settings
from infra.training.definition_text import definition_text
from infra.training.roles import Roles
from infra.training.wiring import Buckets, Images, RoleArns, Wiring


class TrainingStack(cdk.Stack):
    """An `AWS::SageMaker::Pipeline` from its JSON definition.

    Attributes:
        roles: a role per duty; who may read and write what is granted where the stacks are
            composed.
        definition: of the pipeline, with tokens inside.
        model_package_group: the group that it registers in.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        data: DataStack,
        images: ImagesStack,
        placement: Placement | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, **kwargs)
        self.pipeline_name = settings.name
        self._settings = settings
        self._placement = placement
        group = self.model_package_group = self._model_package_group()
        # Whether the serving stack uses it is a setting: an export that went with that would go
        # before its last use, which CloudFormation refuses.
        self.export_value(group.attr_model_package_group_arn)
        self.model_package_group_name = cdk.Fn.select(
            1, cdk.Fn.split("/", group.attr_model_package_group_arn)
        )
        self.roles = Roles(
            self,
            "Roles",
            name=settings.name,
            model_package_group_arn=group.attr_model_package_group_arn,
        )
        text = definition_text(self.pipeline_name, self._wiring(data, images))
        self.definition = Definition(json.loads(text))
        self.pipeline = self._pipeline(text)
        self._write_outputs()

    def _write_outputs(self) -> None:
        cdk.CfnOutput(
            self, "PipelineName", value=self.pipeline_name, description="Name of the pipeline"
        )
        cdk.CfnOutput(
            self,
            names.MODEL_PACKAGE_GROUP_NAME,
            value=self.model_package_group_name,
            description="Group that models are registered in",
        )
        cdk.CfnOutput(
            self,
            "ModelPackageGroupArn",
            value=self.model_package_group.attr_model_package_group_arn,
            description="The same, for environments that serve its models",
        )

    def _model_package_group(self) -> sagemaker.CfnModelPackageGroup:
        stack_uuid = cdk.Fn.select(2, cdk.Fn.split("/", self.stack_id))
        group = sagemaker.CfnModelPackageGroup(
            self,
            "ModelPackageGroup",
            # A group with packages in it can't be deleted: it outlives the stack, and the next
            # stack needs another name.
            model_package_group_name=cdk.Fn.join(
                "-", [self.pipeline_name, cdk.Fn.select(0, cdk.Fn.split("-", stack_uuid))]
            ),
            model_package_group_description="Image classifiers that Shardwise trained",
        )
        group.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        return group

    def _wiring(self, data: DataStack, images: ImagesStack) -> Wiring:
        return Wiring(
            settings=self._settings,
            buckets=Buckets(
                drops=data.drops.bucket_name,
                working=data.working.bucket_name,
                artifacts=data.artifacts.bucket_name,
            ),
            images=Images(
                processing=images.processing.image_uri,
                training=images.training.image_uri,
                inference=images.inference.image_uri,
            ),
            roles=RoleArns(
                processing=self._arn_of(self.roles.processing),
                serving_model=self._arn_of(self.roles.serving_model),
                training=self._arn_of(self.roles.training),
                evaluation=self._arn_of(self.roles.evaluation),
            ),
            volume_key_arn=data.volume_key.key_arn,
            output_key_arn=data.object_key.key_arn if data.object_key else None,
            placement=self._placement,
            model_package_group=self.model_package_group_name,
            tags={"Project": "shardwise", "Environment": self._settings.stage},
        )

    def _arn_of(self, role: iam.Role) -> str:
        # The SDK takes only what looks like a role's ARN; a GetAtt token alone does not.
        return self.format_arn(
            service="iam", region="", resource="role", resource_name=role.role_name
        )

    def _pipeline(self, body: str) -> sagemaker.CfnPipeline:
        return sagemaker.CfnPipeline(
            self,
            "Pipeline",
            pipeline_name=self.pipeline_name,
            pipeline_display_name=self.pipeline_name,
            pipeline_description="Turns complete drops of images into a registered model",
            pipeline_definition={"PipelineDefinitionBody": body},
            role_arn=self.roles.pipeline.role_arn,
            parallelism_configuration={
                "MaxParallelExecutionSteps": self._settings.operations.max_parallel_steps
            },
        )
