"""SageMaker's JSON 1.1 protocol: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from rehearsal import service_model
from rehearsal.api import runtime
from rehearsal.api.dispatch import Api
from rehearsal.errors import ApiError
from rehearsal.resources.context import Context

Response = tuple[int, dict[str, str], bytes]

_log = logging.getLogger(__name__)
_TARGET = "SageMaker."


class Http:
    """Answers the HTTP requests of the `sagemaker` and `sagemaker-runtime` clients."""

    def __init__(self, context: Context, api: Api) -> None:
        self._context = context
        self._api = api

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Never raises; may block.

        Args:
            headers: names in lower case.
        """
        target = headers.get("x-amz-target", "")
        try:
            if target.startswith(_TARGET):
                return json_answer(200, self._call(target.removeprefix(_TARGET), body))
            return runtime.answer(self._context, method, path, headers, body)
        except ApiError as error:
            return error_answer(error)
        except Exception as error:  # noqa: BLE001 - the client must hear of our own faults too
            _log.exception("%s %s %s failed", method, path, target)
            return error_answer(
                ApiError("InternalFailure", f"The rehearsal failed: {error!r}", 500)
            )

    def _call(self, operation: str, body: bytes) -> Any:
        try:
            parsed = json.loads(body or b"{}")
        except ValueError as error:
            raise ApiError("SerializationException", f"The body is no JSON: {error}.") from error
        if not isinstance(parsed, dict):
            raise ApiError("SerializationException", "The body is no JSON object.")
        if operation in service_model.load().operation_names:
            parsed = service_model.from_wire(service_model.operation(operation).input_shape, parsed)
        return service_model.to_wire(self._api.call(operation, parsed))


def json_answer(status: int, content: Any) -> Response:
    """Of any service of the JSON 1.1 protocol."""
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def error_answer(error: ApiError) -> Response:
    """As clients of the JSON 1.1 protocol find an error's code."""
    status, headers, body = json_answer(
        error.status,
        {"__type": error.code, "message": error.message, "Message": error.message, **error.members},
    )
    return status, headers | {"x-amzn-ErrorType": error.code}, body
