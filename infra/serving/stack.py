"""A stack with one parameter, the model package; without one it has no endpoint."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra import grants, names
from infra.function import dead_letter_queue
from infra.network import Placement
from infra.promotion import Source
from infra.serving.deployer import Deployer
from infra.serving.endpoint import Endpoint, EndpointGuard
from infra.serving.logs import EndpointLogs
from infra.settings import Settings


class ServingStack(cdk.Stack):
    """Endpoint `shardwise-<environment>` and the function that updates this stack when a model is
    approved.

    Attributes:
        logs: the endpoint's log group and what is read from it.
        endpoint: the model, its configuration and the endpoint, where there is a model.
        endpoint_role: what the model's containers run under.
        dead_letters: approvals that could not be acted on.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        model_package_group_name: str,
        volume_key: kms.IKey,
        inference: s3.IBucket,
        placement: Placement | None = None,
        **kwargs: Any,
    ) -> None:
        # Only the model package is a parameter, so that a change of it is all that an approval can
        # change.
        super().__init__(
            scope,
            construct_id,
            synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
            **kwargs,
        )
        source = Source.of(settings.promotion)
        if source:
            source.accept_approvals(self, settings.name)
        package = self._parameter()
        self.endpoint_role = self._endpoint_role(settings, inference)
        self.logs = EndpointLogs(self, "EndpointLogs", settings=settings)
        self.endpoint = self._endpoint(settings, package, volume_key, inference, placement)
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        self.deployer = Deployer(
            self,
            "ApprovedModelDeployment",
            settings=settings,
            model_package_group_name=source.group if source else model_package_group_name,
            dead_letters=self.dead_letters,
            source=source,
        )
        self._add_outputs(settings.name, package)

    def _endpoint(
        self,
        settings: Settings,
        package: cdk.CfnParameter,
        volume_key: kms.IKey,
        inference: s3.IBucket,
        placement: Placement | None,
    ) -> Endpoint:
        return Endpoint(
            self,
            "Endpoint",
            settings=settings,
            model_package=package,
            role=self.endpoint_role,
            volume_key=volume_key,
            inference=inference,
            placement=placement,
            logs=self.logs,
            guard=EndpointGuard(self, "EndpointGuard", settings=settings),
        )

    def _parameter(self) -> cdk.CfnParameter:
        return cdk.CfnParameter(
            self,
            names.MODEL_PACKAGE_PARAMETER,
            default="",
            allowed_pattern=r"^$|^arn:aws[a-z\-]*:sagemaker:[a-z0-9\-]+:[0-9]{12}:model-package/.+$",
            constraint_description="must be empty or the ARN of a model package",
            description="ARN of the model package to serve; empty for no endpoint",
        )

    def _add_outputs(self, name: str, package: cdk.CfnParameter) -> None:
        cdk.CfnOutput(self, "EndpointName", value=name, description="Name of the endpoint")
        cdk.CfnOutput(
            self,
            "ServedModelPackageArn",
            key=names.MODEL_PACKAGE_PARAMETER,
            value=package.value_as_string,
            description="Model package that is served",
        )

    def _endpoint_role(self, settings: Settings, inference: s3.IBucket) -> iam.Role:
        role = iam.Role(
            self,
            "EndpointRole",
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description="Runs the endpoint's containers",
        )
        grants.write_job_logs(role, f"Endpoints/{settings.name}")
        grants.put_metrics(role, "/aws/sagemaker/Endpoints")
        if settings.endpoint.capture_percent:
            grants.write_objects(role, inference, names.CAPTURED)
        if settings.endpoint.mode == "asynchronous":
            grants.read_objects(role, inference, names.ASYNCHRONOUS_REQUESTS)
            grants.write_objects(role, inference, names.ASYNCHRONOUS_ANSWERS)
            grants.write_objects(role, inference, names.ASYNCHRONOUS_FAILURES)
        return role
