"""Which fleet of an endpoint gets a request: the one that serves, or the one that comes."""

import threading

from rehearsal.endpoints.errors import CancelledError
from rehearsal.endpoints.fleet import Fleet
from rehearsal.endpoints.requests import chosen
from rehearsal.errors import ApiError


class Traffic:
    """Blue is the fleet that serves, green the one that an update brings.

    Attributes:
        blue: None, there is none yet.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self.blue: Fleet | None = None
        self._green: Fleet | None = None
        self._share = 0.0
        self._closed = False

    def enter(self, timeout_seconds: float) -> Fleet:
        """The fleet for one request, which is under way there until `fleet.in_flight.leave()`.

        A fleet with no server up gets nothing while the other has one, as behind AWS's balancers.

        Raises:
            ApiError: ServiceUnavailable, there is no fleet.
        """
        with self._lock:
            first, second = self.blue, self._green
            if second and (first is None or chosen(self._share)):
                first, second = second, first
            if first and second and not first.available and second.available and self._share:
                first = second
            if first is None:
                raise unavailable(self._endpoint)
            # Entered before the lock is let go, so a fleet that is replaced now waits for this
            # request.
            first.in_flight.enter(timeout_seconds)
            return first

    def shift(self, green: Fleet, share: float) -> None:
        """Gives `green` its share of the requests that come from now on.

        Raises:
            CancelledError: the endpoint was deleted.
        """
        with self._lock:
            self._refuse_closed()
            self._green, self._share = green, share

    def take_over(self, green: Fleet) -> Fleet | None:
        """Makes `green` the one that serves, and returns the one before.

        Raises:
            CancelledError: the endpoint was deleted.
        """
        with self._lock:
            self._refuse_closed()
            before, self.blue = self.blue, green
            self._green, self._share = None, 0.0
            return before

    def roll_back(self) -> None:
        """Gives all requests that come from now on to blue."""
        with self._lock:
            self._green, self._share = None, 0.0

    def close(self) -> Fleet | None:
        """Takes no further request, and returns the fleet that served."""
        with self._lock:
            self._closed = True
            before, self.blue = self.blue, None
            self._green, self._share = None, 0.0
            return before

    def _refuse_closed(self) -> None:
        if self._closed:
            raise CancelledError


def unavailable(endpoint: str) -> ApiError:
    """`ServiceUnavailable`, of an endpoint that no fleet serves."""
    return ApiError(
        "ServiceUnavailable",
        f"The endpoint {endpoint} has no model server: wait until it is InService.",
        503,
    )
