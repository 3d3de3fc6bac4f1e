"""Model, endpoint configuration and endpoint, which exist only while there is a model package."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra.serving.alarms import VARIANT
from infra.settings import Endpoint as EndpointSettings
from infra.volumes import volume_key as volume_key_of


class Endpoint(Construct):
    """An endpoint whose name stays while a new model goes through a canary.

    The model and the configuration have no names, so that CloudFormation replaces them and the
    endpoint is updated.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: EndpointSettings,
        endpoint_name: str,
        model_package: cdk.CfnParameter,
        role: iam.Role,
        volume_key: kms.IKey,
        rollback_alarms: list[str],
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self._condition = cdk.CfnCondition(
            self,
            "HasModel",
            expression=cdk.Fn.condition_not(cdk.Fn.condition_equals(model_package, "")),
        )
        self._model = self._make_model(model_package, role)
        self._configuration = self._configure(self._model, volume_key)
        self._endpoint = self._make_endpoint(endpoint_name, self._configuration, rollback_alarms)
        for resource in (self._model, self._configuration, self._endpoint):
            resource.cfn_options.condition = self._condition

    def let_describe(self, role: iam.Role) -> None:
        """Lets `role` describe the model and the configuration, which only this stack can name."""
        policy = iam.Policy(self, "Describe", roles=[role])
        for action, arn, kind, name in (
            ("Model", self._model.ref, "model", self._model.attr_model_name),
            (
                "EndpointConfig",
                self._configuration.ref,
                "endpoint-config",
                self._configuration.attr_endpoint_config_name,
            ),
        ):
            # Some of SageMaker's ARNs have the name in lower case; IAM compares letter by letter.
            named = cdk.Stack.of(self).format_arn(
                service="sagemaker", resource=kind, resource_name=name
            )
            policy.add_statements(
                iam.PolicyStatement(actions=[f"sagemaker:Describe{action}"], resources=[arn, named])
            )
        # Until an update is over, the endpoint has the configuration of before.
        policy.node.add_dependency(self._endpoint)
        attached = policy.node.default_child
        assert isinstance(attached, iam.CfnPolicy)  # noqa: S101
        attached.cfn_options.condition = self._condition

    def _make_model(self, model_package: cdk.CfnParameter, role: iam.Role) -> sagemaker.CfnModel:
        model = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=role.role_arn,
            enable_network_isolation=True,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                model_package_name=model_package.value_as_string
            ),
        )
        # SageMaker uses the role while it makes the model: its policy must be attached by then.
        policy = role.node.try_find_child("DefaultPolicy")
        if policy is not None:
            model.node.add_dependency(policy)
        return model

    def _configure(
        self, model: sagemaker.CfnModel, volume_key: kms.IKey
    ) -> sagemaker.CfnEndpointConfig:
        return sagemaker.CfnEndpointConfig(
            self,
            "Configuration",
            kms_key_id=volume_key_of(self._settings.instance_type, volume_key.key_arn),
            production_variants=[
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model.attr_model_name,
                    instance_type=self._settings.instance_type,
                    initial_instance_count=self._settings.instance_count,
                    initial_variant_weight=1,
                )
            ],
        )

    def _make_endpoint(
        self,
        name: str,
        configuration: sagemaker.CfnEndpointConfig,
        rollback_alarms: list[str],
    ) -> sagemaker.CfnEndpoint:
        return sagemaker.CfnEndpoint(
            self,
            "Endpoint",
            endpoint_name=name,
            endpoint_config_name=configuration.attr_endpoint_config_name,
            deployment_config=sagemaker.CfnEndpoint.DeploymentConfigProperty(
                auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                    alarms=[
                        sagemaker.CfnEndpoint.AlarmProperty(alarm_name=alarm)
                        for alarm in rollback_alarms
                    ]
                ),
                blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
                    traffic_routing_configuration=self._traffic_routing(),
                    termination_wait_in_seconds=self._settings.shift_wait_seconds,
                    maximum_execution_timeout_in_seconds=self._settings.longest_update_seconds,
                ),
            ),
        )

    def _traffic_routing(self) -> Any:
        shift = self._settings.traffic_shift
        step = sagemaker.CfnEndpoint.CapacitySizeProperty(
            type="CAPACITY_PERCENT", value=self._settings.shift_percent
        )
        return sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
            type=shift.upper(),
            wait_interval_in_seconds=self._settings.shift_wait_seconds,
            canary_size=step if shift == "canary" else None,
            linear_step_size=step if shift == "linear" else None,
        )
