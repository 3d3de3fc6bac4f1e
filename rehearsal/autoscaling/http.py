"""Application Auto Scaling's JSON 1.1 protocol."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping

from rehearsal import service_model
from rehearsal.api.http import Response, error_answer, json_answer
from rehearsal.autoscaling.api import ApplicationAutoScaling, operation
from rehearsal.errors import ApiError

_log = logging.getLogger(__name__)


class Http:
    """Answers the HTTP requests of `application-autoscaling` clients."""

    def __init__(self, api: ApplicationAutoScaling) -> None:
        self._api = api

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Never raises; may block.

        Args:
            headers: names in lower case.
        """
        name = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            request = service_model.from_wire(
                operation(name).input_shape, json.loads(body or b"{}")
            )
            return json_answer(200, service_model.to_wire(self._api.call(name, request)))
        except ApiError as error:
            return error_answer(error)
        except Exception as error:  # noqa: BLE001 - the client must hear of our own faults too
            _log.exception("%s %s %s failed", method, path, name)
            failed = ApiError("InternalServiceException", f"The rehearsal failed: {error!r}", 500)
            return error_answer(failed)
