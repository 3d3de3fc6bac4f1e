"""Typed settings of one environment.

An environment is a file in `infra/environments/` that holds only what differs from the defaults
here; CDK context overrides each by its name (`cdk deploy 'dev/*' -c training.hosts=4`).
"""

from infra.settings.endpoint import Endpoint
from infra.settings.environment import ENVIRONMENTS, Settings
from infra.settings.errors import SettingsError
from infra.settings.loading import load, read
from infra.settings.operations import Data, Security
from infra.settings.pipeline import Evaluation, Manifests, ServingModel, Shards, Training
from infra.settings.promotion import Promotion

__all__ = [
    "ENVIRONMENTS",
    "Data",
    "Endpoint",
    "Evaluation",
    "Manifests",
    "Promotion",
    "Security",
    "ServingModel",
    "Settings",
    "SettingsError",
    "Shards",
    "Training",
    "load",
    "read",
]
