"""SageMaker's JSON 1.1 protocol, and InvokeEndpoint and InvokeEndpointAsync of its runtime:
https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from rehearsal import service_model
from rehearsal.api.dispatch import Api
from rehearsal.errors import ApiError
from rehearsal.resources import endpoints
from rehearsal.resources.context import Context

Response = tuple[int, dict[str, str], bytes]

_log = logging.getLogger(__name__)
_TARGET = "SageMaker."
_INVOCATION = re.compile(r"/endpoints/([^/]+)/(async-)?invocations")


class Http:
    """Answers the HTTP requests of the `sagemaker` and `sagemaker-runtime` clients."""

    def __init__(self, context: Context, api: Api) -> None:
        """Answers by the API."""
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
            return _invoke(self._context, method, path, headers, body)
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


def _invoke(
    context: Context, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Response:
    """The model server's answer, as the runtime hands it on.

    Raises:
        ApiError: no such endpoint, a body too long, or ModelError (424): the model server answered
            with an error.
    """
    match = _INVOCATION.fullmatch(path)
    if method != "POST" or match is None:
        raise ApiError("UnknownOperationException", f"The rehearsal has no {method} {path}.", 404)
    name = unquote(match[1])
    if match[2]:
        return context.asynchronous.accept(name, headers, body)
    _check(context, name, body)
    status, answered, content = context.endpoints.invoke(name, body, headers)
    if not 200 <= status < 300:
        raise _model_error(context, name, status, content)
    return status, answered, content


def _check(context: Context, name: str, body: bytes) -> None:
    endpoint = endpoints.get_serving(context, name)
    longest = service_model.max_length("BodyBlob", "sagemaker-runtime")
    if endpoint.get("AsyncInferenceConfig"):
        raise ApiError(
            "ValidationError",
            f"Endpoint {name} of account {context.settings.account} is asynchronous: use "
            "InvokeEndpointAsync.",
        )
    if len(body) > longest:
        raise ApiError(
            "ValidationError",
            f"The body has {len(body)} bytes: InvokeEndpoint takes at most {longest}.",
            413,
        )


def _model_error(context: Context, name: str, status: int, content: bytes) -> ApiError:
    message = content.decode("utf-8", "replace")
    who = "client" if status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{name}"
    logs = f"arn:aws:logs:{context.settings.region}:{context.settings.account}:log-group:{group}"
    return ApiError(
        "ModelError",
        f'Received {who} error ({status}) from primary with message "{message}". See the log '
        f"group {group} for more information.",
        424,
        {"OriginalStatusCode": status, "OriginalMessage": message, "LogStreamArn": logs},
    )
