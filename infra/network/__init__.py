"""The VPC of jobs and models, where a setting wants one."""

from infra.network.placement import Placement
from infra.network.stack import NetworkStack

__all__ = ["NetworkStack", "Placement"]
