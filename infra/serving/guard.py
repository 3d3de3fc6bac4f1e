"""Fails an update of the stack that SageMaker took back, whatever CloudFormation makes of it."""

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from infra import grants
from infra.function import python_function
from infra.settings import Settings


class EndpointGuard(Construct):
    """The function behind a custom resource that follows the endpoint.

    SageMaker ends an update that it rolled back with the endpoint InService, and AWS documents
    nowhere that CloudFormation's endpoint type sees that. If it did not, CloudFormation would
    delete the model and the configuration that are in use. So the custom resource asks what the
    endpoint serves before anything is cleaned up, and fails the update where it is something else.
    Terraform has that fault: https://github.com/hashicorp/terraform-provider-aws/issues/48997
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, settings: Settings, endpoint_name: str
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint_name = endpoint_name
        self.function = python_function(
            self,
            "Function",
            handler="functions.custom_resources.endpoint_guard.handler",
            description="Sees that the endpoint serves what the stack gave it",
            settings=settings,
            timeout=cdk.Duration.minutes(15),
        )
        endpoint = grants.arn_of(self, "sagemaker", "endpoint", endpoint_name)
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
