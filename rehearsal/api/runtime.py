"""InvokeEndpoint and InvokeEndpointAsync, of the SageMaker Runtime:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from rehearsal import service_model
from rehearsal.errors import ApiError
from rehearsal.resources import endpoints
from rehearsal.resources.context import Context

_PATH = re.compile(r"/endpoints/([^/]+)/(async-)?invocations")
_SERVING = frozenset({"InService", "Updating", "SystemUpdating", "RollingBack"})


def answer(
    context: Context, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    """The model server's answer, as the runtime hands it on.

    Raises:
        ApiError: no such endpoint, a body too long, or ModelError (424): the model server answered
            with an error.
    """
    match = _PATH.fullmatch(path)
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
    found = context.store.get(endpoints.KIND.kind, name)
    account = context.settings.account
    if found is None:
        raise ApiError("ValidationError", f"Endpoint {name} of account {account} not found.")
    status = found.record["EndpointStatus"]
    if status not in _SERVING:
        raise ApiError(
            "ValidationError", f"Endpoint {name} of account {account} is {status}, not InService."
        )
    if found.record.get("AsyncInferenceConfig"):
        raise ApiError(
            "ValidationError",
            f"Endpoint {name} of account {account} is asynchronous: use InvokeEndpointAsync.",
        )
    longest = service_model.max_length("BodyBlob", "sagemaker-runtime")
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
