"""One environment: its stacks, what they hand each other, and who may do what with it."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from infra import grants, promotion
from infra.data import DataStack
from infra.data.key import encrypt_with
from infra.github import GitHubRoles
from infra.images import ImagesStack
from infra.names import CHECKPOINTS, DROPS, EXECUTIONS, LINEAGE, MODELS, TENSORBOARD
from infra.network import NetworkStack, Placement
from infra.operations.stack import OperationsStack
from infra.serving import ServingStack
from infra.settings import Security, Settings
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
            permissions_boundary=_permissions_boundary(settings.security),
        )
        self.settings = settings
        self._source = promotion.Source.of(settings.promotion)
        self.data = self._data()
        self.images = self._images()
        self.network = self._network()
        self.training = self._training()
        self.trigger = self._trigger()
        self.serving = self._serving()
        self.operations = self._operations()
        self._order_stacks()
        self._add_github_roles()
        self._grant_processing()
        self._grant_serving_model()
        self._grant_training()
        self._grant_evaluation()
        self._grant_pipeline()
        self._grant_endpoint()
        self._grant_volumes()
        if self.network.placement is not None:
            self._grant_network(self.network.placement)
        if accounts := settings.promotion.target_accounts:
            self._share(accounts)
        cdk.Tags.of(self).add("Project", "shardwise")
        cdk.Tags.of(self).add("Environment", settings.stage)
        # The last: it gives the key to all that is there, and to whom it was granted.
        if self.data.object_key is not None:
            jobs_and_models = (*self.training.roles.of_jobs, self.serving.endpoint_role)
            encrypt_with(self.data.object_key, self, jobs_and_models)

    def _props(self, unit: str, description: str) -> dict[str, Any]:
        return {
            "stack_name": f"{self.settings.name}-{unit}",
            "description": f"Shardwise {self.settings.stage}: {description}",
            "termination_protection": self.settings.data.retain,
        }

    def _data(self) -> DataStack:
        return DataStack(
            self,
            "data",
            settings=self.settings,
            **self._props("data", "Buckets of images, working data and models"),
        )

    def _images(self) -> ImagesStack:
        return ImagesStack(
            self, "images", settings=self.settings, **self._props("images", "Container images")
        )

    def _network(self) -> NetworkStack:
        data = self.data
        elsewhere = (self._source.artifacts(self.data),) if self._source else ()
        return NetworkStack(
            self,
            "network",
            settings=self.settings,
            buckets=(data.drops, data.working, data.artifacts, data.inference, *elsewhere),
            **self._props("network", "VPC of jobs and models"),
        )

    def _training(self) -> TrainingStack:
        return TrainingStack(
            self,
            "training",
            settings=self.settings,
            data=self.data,
            images=self.images,
            placement=self.network.placement,
            **self._props("training", "Pipeline from drops to registered models"),
        )

    def _trigger(self) -> TriggerStack:
        return TriggerStack(
            self,
            "trigger",
            settings=self.settings,
            drops=self.data.drops,
            artifacts=self.data.artifacts,
            **self._props("trigger", "Starts an execution for each complete drop"),
        )

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
            serving_stack=self.serving.stack_name,
            working=self.data.working,
            artifacts=self.data.artifacts,
            inference=self.data.inference,
            dead_letters={
                "Drops": self.trigger.dead_letters,
                "Approvals": self.serving.dead_letters,
            },
            functions={
                "starter": self.trigger.starter.function,
                "deployer": self.serving.deployer.function,
            },
            **self._props("operations", "Alarms, notifications and dashboard"),
        )

    def _order_stacks(self) -> None:
        # An image's URI is no reference between stacks, but its image must be there first.
        self.training.add_stack_dependency(self.images)
        self.trigger.add_stack_dependency(self.training)
        self.network.follow(self.training, self.serving)

    def _add_github_roles(self) -> None:
        if repository := self.settings.github.repository:
            GitHubRoles(self.operations, "GitHub", settings=self.settings, repository=repository)

    def _grant_processing(self) -> None:
        data, role = self.data, self.training.roles.processing
        grants.read_versions(role, data.drops, DROPS)
        # SageMaker asks for it where ShardImages' manifests name objects there:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/sagemaker-roles.html
        grants.list_objects(role, data.drops, DROPS)
        grants.read_versions(role, data.artifacts, LINEAGE)
        grants.list_objects(role, data.artifacts, LINEAGE)
        grants.write_objects(role, data.artifacts, LINEAGE)
        grants.read_objects(role, data.working, EXECUTIONS)
        grants.write_objects(role, data.working, EXECUTIONS)
        grants.pull_image(role, self.images.processing.repository)

    def _grant_serving_model(self) -> None:
        data, role = self.data, self.training.roles.serving_model
        self.serving.endpoint.grant_describe(role)
        grants.get_objects(role, data.artifacts, MODELS)
        grants.write_objects(role, data.working, EXECUTIONS)
        grants.pull_image(role, self.images.processing.repository)
        if self._source:
            self._source.grant_read(role)

    def _grant_training(self) -> None:
        data, role = self.data, self.training.roles.training
        grants.read_objects(role, data.working, EXECUTIONS)
        grants.read_objects(role, data.working, CHECKPOINTS)
        grants.write_objects(role, data.working, CHECKPOINTS)
        grants.write_objects(role, data.working, TENSORBOARD)
        if weights := self.settings.training.weights_uri:
            grants.read_uri(role, weights)
        grants.write_objects(role, data.artifacts, MODELS)
        grants.pull_image(role, self.images.training.repository)

    def _grant_evaluation(self) -> None:
        data, role = self.data, self.training.roles.evaluation
        grants.read_objects(role, data.artifacts, MODELS)
        grants.read_objects(role, data.working, EXECUTIONS)
        grants.write_objects(role, data.working, EXECUTIONS)
        grants.pull_image(role, self.images.training.repository)

    def _grant_pipeline(self) -> None:
        """Read property files, and register a model whose artifact and image it can see."""
        role = self.training.roles.pipeline
        grants.get_objects(role, self.data.working, EXECUTIONS)
        grants.get_objects(role, self.data.artifacts, MODELS)
        grants.see_image(role, self.images.inference.repository)

    def _grant_endpoint(self) -> None:
        role = self.serving.endpoint_role
        if self._source:
            self._source.grant_serve(role)
        else:
            grants.read_objects(role, self.data.artifacts, MODELS)
            grants.pull_image(role, self.images.inference.repository)

    def _grant_volumes(self) -> None:
        roles = self.training.roles
        for role in (roles.pipeline, *roles.of_jobs, self.serving.endpoint_role):
            grants.encrypt_volumes(role, self.data.volume_key)

    def _grant_network(self, placement: Placement) -> None:
        roles = self.training.roles
        for role in (roles.processing, roles.serving_model, roles.evaluation):
            placement.grant_processing(role)
        placement.grant_training(roles.training)
        placement.grant_models(self.serving.endpoint_role)

    def _share(self, accounts: tuple[str, ...]) -> None:
        """Gives other accounts packages, models and images, and tells them of approvals."""
        promotion.share_packages(self.training.model_package_group, accounts)
        promotion.share_models(self.data.artifacts, self.data.object_key, accounts)
        promotion.RepositorySharing(
            self.images,
            "Sharing",
            settings=self.settings,
            image=self.images.inference,
            accounts=accounts,
        )
        promotion.forward_approvals(
            self.serving,
            model_package_group_name=self.training.model_package_group_name,
            dead_letters=self.serving.dead_letters,
            accounts=accounts,
        )


def _permissions_boundary(settings: Security) -> cdk.PermissionsBoundary | None:
    """The policy that no role of a stage may pass, those that the CDK makes for itself too.

    The roles that `cdk bootstrap` makes are none of a stage: it has
    `--custom-permissions-boundary` for them.
    https://docs.aws.amazon.com/cdk/v2/guide/customize-permissions-boundaries.html
    """
    policy = settings.permissions_boundary
    if policy is None:
        return None
    if policy.startswith("arn:"):
        return cdk.PermissionsBoundary.from_arn(policy)
    return cdk.PermissionsBoundary.from_name(policy)
