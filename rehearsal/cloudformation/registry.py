"""All types that the rehearsal adds to CloudFormation."""

from __future__ import annotations

from rehearsal.backends import Call
from rehearsal.cloudformation.endpoint import Endpoint
from rehearsal.cloudformation.endpoint_config import EndpointConfig
from rehearsal.cloudformation.model import Model
from rehearsal.cloudformation.model_package_group import ModelPackageGroup
from rehearsal.cloudformation.pipeline import Pipeline
from rehearsal.cloudformation.resource import ResourceType
from rehearsal.cloudformation.scalable_target import ScalableTarget
from rehearsal.cloudformation.scaling_policy import ScalingPolicy
from rehearsal.modes import Modes

RECORDED_ONLY = (
    "AWS::Budgets::Budget",
    "AWS::EC2::FlowLog",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
)
"""Types that MiniStack lacks and the rehearsal does nothing for: a stack with one deploys, and the
log says that the resource is recorded only.
"""


def made_types(call: Call, call_scaling: Call, modes: Modes) -> list[ResourceType]:
    """Args:
    call_scaling: of Application Auto Scaling's API.
    """
    types = (Pipeline, ModelPackageGroup, Model, EndpointConfig)
    scaling = (ScalableTarget, ScalingPolicy)
    endpoint = Endpoint(call, sees_rollbacks=not modes.unseen_rollbacks)
    return [*(made(call) for made in types), endpoint, *(made(call_scaling) for made in scaling)]
