"""Why a fleet of model servers did not come up."""

from __future__ import annotations


class FleetError(Exception):
    """One sentence, which becomes the endpoint's FailureReason."""
