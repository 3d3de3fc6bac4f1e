"""Model, endpoint configuration and endpoint, which exist only while there is a model package."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import grants
from infra.costs.prices import volume_key as volume_key_of
from infra.function import python_function
from infra.names import SHADOW_VARIANT
from infra.network import Placement
from infra.serving.alarms import RollbackAlarms
from infra.serving.configuration import (
    asynchronous_inference,
    data_capture,
    traffic,
    variant,
)
from infra.serving.logs import EndpointLogs
from infra.serving.scaling import Scaling
from infra.settings import Settings


class EndpointGuard(Construct):
    """Fails an update of the stack that SageMaker took back, whatever CloudFormation makes of it.

    It is the function behind a custom resource that follows the endpoint.

    SageMaker ends an update that it rolled back with the endpoint InService, and AWS documents
    nowhere that CloudFormation's endpoint type sees that. If it did not, CloudFormation would
    delete the model and the configuration that are in use. So the custom resource asks what the
    endpoint serves before anything is cleaned up, and fails the update where it is something else.
    Terraform has that fault: https://github.com/hashicorp/terraform-provider-aws/issues/48997
    """

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._endpoint_name = settings.name
        self.function = python_function(
            self,
            "Function",
            handler="functions.custom_resources.endpoint_guard.handler",
            description="Sees that the endpoint serves what the stack gave it",
            settings=settings,
            timeout=cdk.Duration.minutes(15),
        )
        endpoint = grants.arn_of(self, "sagemaker", "endpoint", settings.name)
        grants.allow(self.function, ["sagemaker:DescribeEndpoint"], [endpoint])

    def watch(
        self, endpoint: sagemaker.CfnEndpoint, configuration: str, condition: cdk.CfnCondition
    ) -> cdk.CustomResource:
        """Asks after each update of `endpoint` whether it serves `configuration`.

        While a stack rolls back it is asked for the configuration of before, which the endpoint
        serves then.
        """
        watched = cdk.CustomResource(
            self,
            "Serves",
            resource_type="Custom::EndpointServes",
            service_token=self.function.function_arn,
            properties={"EndpointName": self._endpoint_name, "EndpointConfigName": configuration},
        )
        watched.node.add_dependency(endpoint)
        resource = watched.node.default_child
        assert isinstance(resource, cdk.CfnResource)  # noqa: S101 - what the CDK makes it of
        resource.cfn_options.condition = condition
        return watched


class Endpoint(Construct):
    """An endpoint whose name stays while its traffic moves to a new model.

    The models and the configuration have no names, so that CloudFormation replaces them and the
    endpoint is updated. All that is made in here has the condition that there is a model.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        model_package: cdk.CfnParameter,
        role: iam.Role,
        volume_key: kms.IKey,
        inference: s3.IBucket,
        placement: Placement | None,
        logs: EndpointLogs,
        guard: EndpointGuard,
    ) -> None:
        super().__init__(scope, construct_id)
        self._environment = settings
        self._settings = settings.endpoint
        self._placement = placement
        self._role = role
        self._condition = cdk.CfnCondition(
            self,
            "HasModel",
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(model_package, "")),
        )
        self._model = self._make_model("Model", model_package.value_as_string)
        self._configuration = self._configure(volume_key, inference)
        alarms = self._rollback_alarms(model_package.value_as_string, logs)
        self._endpoint = self._make_endpoint(alarms.names if alarms else [])
        self._endpoint.node.add_dependency(logs)
        if alarms:
            self._endpoint.node.add_dependency(alarms.grant_describe(role))
        if self._settings.scales:
            Scaling(self, "Scaling", settings=self._settings, endpoint=self._endpoint)
        for child in self.node.find_all():
            if isinstance(child, cdk.CfnResource):
                child.cfn_options.condition = self._condition
        guard.watch(self._endpoint, self._configuration.attr_endpoint_config_name, self._condition)

    def grant_describe(self, role: iam.Role) -> None:
        """Describe the model and the configuration, which only this stack can name."""
        configuration = self._configuration
        policy = iam.Policy(self, "Describe", roles=[role])
        policy.add_statements(
            self._describes("Model", self._model.ref, "model", self._model.attr_model_name),
            self._describes(
                "EndpointConfig",
                configuration.ref,
                "endpoint-config",
                configuration.attr_endpoint_config_name,
            ),
        )
        # Until an update is over, the endpoint has the configuration of before.
        policy.node.add_dependency(self._endpoint)
        attached = policy.node.default_child
        assert isinstance(attached, iam.CfnPolicy)  # noqa: S101 - what the CDK makes it of
        attached.cfn_options.condition = self._condition

    def _describes(self, action: str, arn: str, kind: str, name: str) -> iam.PolicyStatement:
        # Some of SageMaker's ARNs have the name in lower case; IAM compares letter by letter.
        named = grants.arn_of(self, "sagemaker", kind, name)
        return iam.PolicyStatement(actions=[f"sagemaker:Describe{action}"], resources=[arn, named])

    def _make_model(self, construct_id: str, model_package: str) -> sagemaker.CfnModel:
        model = sagemaker.CfnModel(
            self,
            construct_id,
            execution_role_arn=self._role.role_arn,
            # A serverless endpoint refuses a model without network.
            enable_network_isolation=self._settings.mode != "serverless",
            vpc_config=self._vpc_config(),
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                model_package_name=model_package,
                # SageMaker takes this only of a package that has no environment of its own.
                environment={"MODEL_PACKAGE_ARN": model_package},
            ),
        )
        # SageMaker uses the role while it makes the model: its policy must be attached by then.
        policy = self._role.node.try_find_child("DefaultPolicy")
        if policy is not None:
            model.node.add_dependency(policy)
        return model

    def _vpc_config(self) -> sagemaker.CfnModel.VpcConfigProperty | None:
        placement = self._placement
        if placement is None:
            return None
        return sagemaker.CfnModel.VpcConfigProperty(
            subnets=list(placement.subnets), security_group_ids=[placement.models]
        )

    def _configure(
        self, volume_key: kms.IKey, inference: s3.IBucket
    ) -> sagemaker.CfnEndpointConfig:
        settings = self._settings
        shadow = settings.shadow_model_package
        return sagemaker.CfnEndpointConfig(
            self,
            "Configuration",
            # A serverless endpoint has no volumes.
            kms_key_id=None
            if settings.mode == "serverless"
            else volume_key_of(settings.instance_type, volume_key.key_arn),
            production_variants=[variant(settings, self._model)],
            shadow_production_variants=[
                variant(settings, self._make_model("ShadowModel", shadow), SHADOW_VARIANT)
            ]
            if shadow
            else None,
            async_inference_config=asynchronous_inference(settings, inference),
            data_capture_config=data_capture(settings, inference),
        )

    def _rollback_alarms(self, model_package: str, logs: EndpointLogs) -> RollbackAlarms | None:
        if self._settings.mode == "serverless":
            return None
        return RollbackAlarms(
            self,
            "RollbackAlarms",
            settings=self._environment,
            configuration=self._configuration,
            model_package=model_package,
            logs=logs,
        )

    def _make_endpoint(self, rollback_alarms: list[str]) -> sagemaker.CfnEndpoint:
        scales = self._settings.scales
        return sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=self._environment.name,
            endpoint_config_name=self._configuration.attr_endpoint_config_name,
            deployment_config=traffic(self._settings, rollback_alarms),
            # An update keeps the number of instances that scaling has come to, and nothing else.
            retain_all_variant_properties=True if scales else None,
            exclude_retained_variant_properties=[
                sagemaker.CfnEndpoint.VariantPropertyProperty(variant_property_type=kind)
                for kind in ("DesiredWeight", "DataCaptureConfig")
            ]
            if scales
            else None,
        )
