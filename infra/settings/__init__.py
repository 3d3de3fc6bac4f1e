"""Typed settings of one environment.

An environment is a file in `infra/environments/` that holds only what differs from the defaults
here, one file a section or two; a few keys can be overridden from the command line by CDK context
(`cdk deploy 'dev/*' -c training_hosts=4`).
"""

from infra.settings.context import check_context
from infra.settings.data import Data
from infra.settings.dataset import Manifests, Shards
from infra.settings.drift import Drift
from infra.settings.endpoint import Endpoint
from infra.settings.environment import ENVIRONMENTS, Settings
from infra.settings.errors import SettingsError
from infra.settings.evaluation import Evaluation, ServingModel
from infra.settings.github import GitHub
from infra.settings.loading import Reading, load, read
from infra.settings.network import Network
from infra.settings.operations import Operations
from infra.settings.overrides import OVERRIDES
from infra.settings.promotion import Promotion
from infra.settings.security import Security
from infra.settings.training import Training
from infra.settings.trigger import Trigger

__all__ = [
    "ENVIRONMENTS",
    "OVERRIDES",
    "Data",
    "Drift",
    "Endpoint",
    "Evaluation",
    "GitHub",
    "Manifests",
    "Network",
    "Operations",
    "Promotion",
    "Reading",
    "Security",
    "ServingModel",
    "Settings",
    "SettingsError",
    "Shards",
    "Training",
    "Trigger",
    "check_context",
    "load",
    "read",
]
