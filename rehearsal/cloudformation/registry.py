"""All types that the rehearsal adds to CloudFormation."""

from __future__ import annotations

from rehearsal.backends import Call
from rehearsal.cloudformation.endpoint import Endpoint
from rehearsal.cloudformation.endpoint_config import EndpointConfig
from rehearsal.cloudformation.model import Model
from rehearsal.cloudformation.model_package_group import ModelPackageGroup
from rehearsal.cloudformation.pipeline import Pipeline
from rehearsal.cloudformation.resource import ResourceType

RECORDED_ONLY = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::Budgets::Budget",
)
"""Types that MiniStack lacks and the rehearsal does nothing for: a stack with one deploys, and the
log says that the resource is recorded only.
"""


def made_types(call: Call) -> list[ResourceType]:
    types = (Pipeline, ModelPackageGroup, Model, EndpointConfig, Endpoint)
    return [made(call) for made in types]
