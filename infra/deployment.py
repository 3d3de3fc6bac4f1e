"""One environment: its stacks, what they hand each other, and who may do what with it."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from infra import grants
from infra.data import DataStack
from infra.data.key_use import encrypt_with
from infra.drift import DriftProps
from infra.exceptions import cdk_nag
from infra.github import GitHubRoles
from infra.images import ImagesStack
from infra.network import NetworkStack, Placement, let_join, let_join_anywhere, let_models_look
from infra.operations.costs import show_costs
from infra.operations.reports.props import ReporterProps
from infra.operations.stack import OperationsStack
from infra.promotion.sharing import share
from infra.promotion.source import Source
from infra.security import permissions_boundary
from infra.serving import ServingStack
from infra.serving.capture import PREFIX as CAPTURED
from infra.serving.stack import PARAMETER
from infra.serving.variants import VARIANT
from infra.settings import Settings
from infra.training import TrainingStack
from infra.trigger import TriggerStack


class Deployment(cdk.Stage):
    """The stacks `shardwise-<environment>-<unit>`; the stage's id is the environment's name.

    With a qualifier, `<environment>-<qualifier>` stands for the environment in all names.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(
            scope,
            settings.stage,
            env=cdk.Environment(account=settings.account, region=settings.region),
            permissions_boundary=permissions_boundary(settings.security),
        )
        self.settings = settings
        self.source = Source.of(settings.promotion)
        self.data = DataStack(
            self,
            "data",
            settings=settings,
            **self._props("data", "Buckets of images, working data and models"),
        )
        self.images = ImagesStack(
            self, "images", settings=settings, **self._props("images", "Container images")
        )
        self.network = self._network()
        self.training = self._training()
        self.trigger = TriggerStack(
            self,
            "trigger",
            settings=settings,
            drops=self.data.drops,
            artifacts=self.data.artifacts,
            pipeline_name=self.training.pipeline_name,
            pipeline_arn=self.training.pipeline_arn,
            **self._props("trigger", "Starts an execution for each complete drop"),
        )
        self.trigger.add_stack_dependency(self.training)
        self.serving = self._serving()
        self.network.follow(self.training, self.serving)
        self.operations = self._operations()
        self.github = self._github()
        self._grant()
        if self.network.placement is not None:
            self._let_join(self.network.placement)
        share(self)
        if self.data.object_key is not None:
            sagemakers = (*self.training.roles.of_jobs, self.serving.endpoint_role)
            encrypt_with(self.data.object_key, self, sagemakers)
        show_costs(self.operations.dashboard, self, self.training.definition, settings.region)
        cdk_nag.explain(self)
        cdk.Tags.of(self).add("Project", "shardwise")
        cdk.Tags.of(self).add("Environment", settings.stage)

    def _props(self, unit: str, description: str) -> dict[str, Any]:
        return {
            "stack_name": f"{self.settings.name}-{unit}",
            "description": f"Shardwise {self.settings.stage}: {description}",
            "termination_protection": self.settings.data.retain,
        }

    def _network(self) -> NetworkStack:
        data = self.data
        elsewhere = (self.source.artifacts(self.data),) if self.source else ()
        return NetworkStack(
            self,
            "network",
            settings=self.settings,
            buckets=(data.drops, data.working, data.artifacts, data.inference, *elsewhere),
            **self._props("network", "VPC of jobs and models"),
        )

    def _training(self) -> TrainingStack:
        stack = TrainingStack(
            self,
            "training",
            settings=self.settings,
            data=self.data,
            images=self.images,
            placement=self.network.placement,
            **self._props("training", "Pipeline from drops to registered models"),
        )
        # An image's URI is no reference between stacks, but its image must be there first.
        stack.add_stack_dependency(self.images)
        return stack

    def _serving(self) -> ServingStack:
        return ServingStack(
            self,
            "serving",
            settings=self.settings,
            model_package_group_name=self.training.model_package_group_name,
            volume_key=self.data.volume_key,
            inference=self.data.inference,
            placement=self.network.placement,
            **self._props("serving", "Endpoint of the approved model"),
        )

    def _operations(self) -> OperationsStack:
        return OperationsStack(
            self,
            "operations",
            settings=self.settings,
            endpoint_name=self.serving.endpoint_name,
            reports=ReporterProps(
                settings=self.settings,
                pipeline_name=self.training.pipeline_name,
                pipeline_arn=self.training.pipeline_arn,
                serving_stack=self.serving.stack_name,
                working=self.data.working,
                artifacts=self.data.artifacts,
            ),
            dead_letters={
                "Drops": self.trigger.dead_letters,
                "Approvals": self.serving.dead_letters,
            },
            functions={
                "starter": self.trigger.starter.function,
                "deployer": self.serving.deployer.function,
            },
            drift=self._drift(),
            **self._props("operations", "Alarms, notifications and dashboard"),
        )

    def _drift(self) -> DriftProps | None:
        if not self.settings.drift.every_hours:
            return None
        return DriftProps(
            settings=self.settings,
            endpoint_name=self.serving.endpoint_name,
            stack_name=self.serving.stack_name,
            parameter=PARAMETER,
            captured=self.data.inference,
            capture_prefix=f"{CAPTURED}{self.serving.endpoint_name}/{VARIANT}/",
            records=self.data.artifacts,
            pipeline_name=self.training.pipeline_name,
            pipeline_arn=self.training.pipeline_arn,
        )

    def _github(self) -> GitHubRoles | None:
        if self.settings.github.repository is None:
            return None
        return GitHubRoles(
            self.operations,
            "GitHub",
            settings=self.settings,
            repository=self.settings.github.repository,
        )

    def _let_join(self, placement: Placement) -> None:
        roles = self.training.roles
        for role in (roles.processing, roles.serving_model, roles.evaluation):
            let_join_anywhere(role)
        let_join(roles.training, placement, placement.training)
        let_join(self.serving.endpoint_role, placement, placement.models)
        let_models_look(self.serving.endpoint_role)

    def _grant(self) -> None:
        data, images, roles = self.data, self.images, self.training.roles
        grants.read_versions(roles.processing, data.drops, "drops/")
        # SageMaker asks for it where ShardImages' manifests name objects there:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        grants.list_objects(roles.processing, data.drops, "drops/")
        grants.read_versions(roles.processing, data.artifacts, "lineage/")
        grants.list_objects(roles.processing, data.artifacts, "lineage/")
        grants.write_objects(roles.processing, data.artifacts, "lineage/")
        grants.read_objects(roles.processing, data.working, "executions/")
        grants.write_objects(roles.processing, data.working, "executions/")
        grants.pull_image(roles.processing, images.processing.repository)

        self.serving.endpoint.let_describe(roles.serving_model)
        grants.get_objects(roles.serving_model, data.artifacts, "models/")
        grants.write_objects(roles.serving_model, data.working, "executions/")
        grants.pull_image(roles.serving_model, images.processing.repository)

        grants.read_objects(roles.training, data.working, "executions/")
        grants.read_objects(roles.training, data.working, "checkpoints/")
        grants.write_objects(roles.training, data.working, "checkpoints/")
        grants.write_objects(roles.training, data.working, "tensorboard/")
        if weights := self.settings.training.weights_uri:
            grants.read_uri(roles.training, weights)
        grants.write_objects(roles.training, data.artifacts, "models/")
        grants.pull_image(roles.training, images.training.repository)

        grants.read_objects(roles.evaluation, data.artifacts, "models/")
        grants.read_objects(roles.evaluation, data.working, "executions/")
        grants.write_objects(roles.evaluation, data.working, "executions/")
        grants.pull_image(roles.evaluation, images.training.repository)

        # The pipeline itself reads property files, and registers a model whose artifact and image
        # it can see.
        grants.get_objects(roles.pipeline, data.working, "executions/")
        grants.get_objects(roles.pipeline, data.artifacts, "models/")
        grants.see_image(roles.pipeline, images.inference.repository)

        if self.source:
            self.source.let_serve(self.serving.endpoint_role)
            self.source.let_read(roles.serving_model)
        else:
            grants.read_objects(self.serving.endpoint_role, data.artifacts, "models/")
            grants.pull_image(self.serving.endpoint_role, images.inference.repository)

        for role in (roles.pipeline, *roles.of_jobs):
            grants.encrypt_volumes(role, data.volume_key)
        grants.encrypt_volumes(self.serving.endpoint_role, data.volume_key)
