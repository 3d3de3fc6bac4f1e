"""AWS's JSON 1.1 protocol, and InvokeEndpoint and InvokeEndpointAsync of SageMaker's runtime:
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
from rehearsal.backends import Call, Response
from rehearsal.errors import ApiError
from rehearsal.resources import endpoints
from rehearsal.resources.context import Context

_log = logging.getLogger(__name__)
INVOCATION = re.compile(r"/endpoints/([^/]+)/(async-)?invocations")


class Http:
    """Answers the HTTP requests of one service's clients.

    Attributes:
        service: botocore's name of the service.
        call: its operations.
        failure: code of the error that tells of a fault of our own.
    """

    def __init__(self, service: str, call: Call, failure: str) -> None:
        self._service = service
        self._call = call
        self._failure = failure

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """Never raises; may block.

        Args:
            headers: names in lower case.
        """
        try:
            return self.respond(method, path, headers, body)
        except ApiError as error:
            return _error(error)
        except Exception as error:  # noqa: BLE001 - the client must hear of our own faults too
            _log.exception("%s %s %s failed", method, path, headers.get("x-amz-target"))
            return _error(ApiError(self._failure, f"The rehearsal failed: {error!r}", 500))

    def respond(
        self, _method: str, _path: str, headers: Mapping[str, str], body: bytes
    ) -> Response:
        """The response of the operation that `X-Amz-Target` names.

        Raises:
            ApiError: it is refused.
        """
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            request = json.loads(body or b"{}")
        except ValueError as error:
            raise ApiError("SerializationException", f"The body is no JSON: {error}.") from error
        if not isinstance(request, dict):
            raise ApiError("SerializationException", "The body is no JSON object.")
        if operation in service_model.load(self._service).operation_names:
            shape = service_model.operation(operation, self._service).input_shape
            request = service_model.from_wire(shape, request)
        return _json(200, service_model.to_wire(self._call(operation, request)))


class SageMakerHttp(Http):
    """Answers the HTTP requests of the `sagemaker` and `sagemaker-runtime` clients."""

    def __init__(self, context: Context, api: Api) -> None:
        super().__init__("sagemaker", api.call, "InternalFailure")
        self._context = context

    def respond(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Response:
        """As `Http.respond`; without a target it is the runtime's."""
        if headers.get("x-amz-target", "").startswith("SageMaker."):
            return super().respond(method, path, headers, body)
        return _invoke(self._context, method, path, headers, body)


def _json(status: int, content: Any) -> Response:
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(content).encode()


def _error(error: ApiError) -> Response:
    """As clients of the JSON 1.1 protocol find an error's code."""
    told = {"__type": error.code, "message": error.message, "Message": error.message}
    status, headers, body = _json(error.status, told | error.members)
    return status, headers | {"x-amzn-ErrorType": error.code}, body


def _invoke(
    context: Context, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Response:
    """The model server's answer, as the runtime hands it on.

    Raises:
        ApiError: no such endpoint, a body too long, or ModelError (424): the model server answered
            with an error.
    """
    match = INVOCATION.fullmatch(path)
    if method != "POST" or match is None:
        raise ApiError("UnknownOperationException", f"The rehearsal has no {method} {path}.", 404)
    name = unquote(match[1])
    if match[2]:
        return context.accept_async(name, headers, body)
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
