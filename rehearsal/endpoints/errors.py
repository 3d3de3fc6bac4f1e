"""Why a fleet of model servers did not come up, or a server was not asked."""


class FleetError(Exception):
    """One sentence, which becomes the endpoint's FailureReason."""


class NotServingError(Exception):
    """The server that was to be asked is not up; it has seen nothing of the request."""


class RolledBackError(Exception):
    """One sentence: why an update is taken back. It becomes the endpoint's FailureReason."""


class CancelledError(Exception):
    """The endpoint was deleted, or the rehearsal ends: nobody waits for the update any more."""
