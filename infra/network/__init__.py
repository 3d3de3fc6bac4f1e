"""The VPC of jobs and models, where a setting wants one."""

from infra.network.permissions import let_join, let_join_anywhere, let_models_look
from infra.network.placement import Placement
from infra.network.stack import NetworkStack

__all__ = ["NetworkStack", "Placement", "let_join", "let_join_anywhere", "let_models_look"]
