"""Typed settings of one environment.

An environment is a file in `infra/environments/` that holds only what differs from the defaults
here; CDK context overrides each by its name (`cdk deploy 'dev/*' -c training.hosts=4`).
"""

from infra.settings.endpoint import Endpoint
from infra.settings.environment import ENVIRONMENTS, Settings
from infra.settings.errors import SettingsError
from infra.settings.loading import Reading, load, read
from infra.settings.operations import (
    Data,
    Drift,
    GitHub,
    Network,
    Operations,
    Security,
    Trigger,
)
from infra.settings.pipeline import Evaluation, Manifests, ServingModel, Shards, Training
from infra.settings.promotion import Promotion

__all__ = [
    "ENVIRONMENTS",
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
    "load",
    "read",
]
