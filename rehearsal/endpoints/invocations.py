"""One request to one variant, with what is measured and kept of it."""

from __future__ import annotations

import time

import httpx

from rehearsal.backends import Configuration, Variant
from rehearsal.endpoints.capture import Capture
from rehearsal.endpoints.metrics import Metrics, Source
from rehearsal.endpoints.pool import Servers
from rehearsal.endpoints.requests import Answer, Request
from rehearsal.errors import ApiError

_NO_ANSWER = 500


class Invocations:
    """Attributes:
    capture: None, nothing is captured.
    """

    def __init__(
        self, endpoint: str, configuration: Configuration, metrics: Metrics, capture: Capture | None
    ):
        self._endpoint = endpoint
        self._configuration = configuration
        self._metrics = metrics
        self._capture = capture

    def source(self, variant: Variant) -> Source:
        """Where the values of a variant's metrics are from."""
        config = self._configuration
        return Source(self._endpoint, variant.name, config.name, config.asynchronous)

    def ask(self, variant: Variant, servers: Servers, request: Request) -> Answer:
        """The container's own answer, whatever its status.

        Raises:
            ApiError: there is none.
        """
        sampled = self._capture is not None and self._capture.sampled()
        asked = time.monotonic()
        try:
            answer = servers.ask(request)
        except httpx.HTTPError as error:
            self._count(variant, servers, request, time.monotonic() - asked)
            raise _model_error(variant.name, error) from error
        except ApiError as error:
            if error.code != "ThrottlingException":  # The variant got no request then.
                self._count(variant, servers, request, None)
            raise
        self._count(variant, servers, request, answer.seconds, answer.status)
        if sampled and self._capture and httpx.codes.is_success(answer.status):
            self._capture.keep(variant, request, answer)
        return answer

    def close(self) -> None:
        """Writes what was captured."""
        if self._capture:
            self._capture.close()

    def _count(
        self,
        variant: Variant,
        servers: Servers,
        request: Request,
        model_seconds: float | None,
        status: int = _NO_ANSWER,
    ) -> None:
        self._metrics.invocation(
            self.source(variant),
            status,
            model=model_seconds,
            all_=time.monotonic() - request.began,
            instances=servers.instance_count,
        )


def _model_error(variant: str, error: httpx.HTTPError) -> ApiError:
    if isinstance(error, httpx.TimeoutException):
        what = f"Your invocation timed out while waiting for a response from container {variant}"
    else:
        what = f"the container {variant} gave no answer: {error}"
    return ApiError(
        "ModelError",
        f'Received server error (0) from primary with message "{what}". See the endpoint\'s logs '
        f"in CloudWatch.",
        424,
    )
