"""InvokeEndpointAsync's request:
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.model import StructureShape

from rehearsal import service_model
from rehearsal.errors import ApiError
from rehearsal.service_model import now

_TTL_SECONDS, _TIMEOUT_SECONDS = 21_600, 900  # AWS's defaults

Record = dict[str, Any]


def read(endpoint: Record, headers: Mapping[str, str], body: bytes) -> Record:
    """The invocation that a client asks for: the request's members, with their defaults, and
    where its answer goes.

    Args:
        endpoint: an asynchronous one's record.
        headers: names in lower case.

    Raises:
        ApiError: ValidationException, e.g. neither a body nor an input location.
    """
    given = _given(headers, body) | {"EndpointName": endpoint["EndpointName"]}
    service_model.check(_shape(), given)
    if ("Body" in given) == ("InputLocation" in given):
        raise ApiError("ValidationError", "Give exactly one of Body and InputLocation.")
    id_ = str(uuid.uuid4())
    output = endpoint["AsyncInferenceConfig"]["OutputConfig"]
    names = [given.get("S3OutputPathExtension", ""), given.get("Filename") or f"{id_}.out"]
    invocation = given | {
        "Id": id_,
        "InferenceId": given.get("InferenceId", id_),
        "RequestTTLSeconds": given.get("RequestTTLSeconds", _TTL_SECONDS),
        "InvocationTimeoutSeconds": given.get("InvocationTimeoutSeconds", _TIMEOUT_SECONDS),
        "OutputLocation": _below(output["S3OutputPath"], *names),
        "ReceivedTime": now(),
    }
    if failures := output.get("S3FailurePath"):
        invocation["FailureLocation"] = _below(failures, f"{id_}-error.out")
    if "Body" in given:
        invocation["Body"] = base64.b64encode(body).decode("ascii")
    return invocation


def _given(headers: Mapping[str, str], body: bytes) -> Record:
    given: Record = {"Body": body} if body else {}
    for name, member in _shape().members.items():
        value = headers.get(str(member.serialization.get("name", "")).lower())
        if member.serialization.get("location") == "header" and value is not None:
            given[name] = _number(value) if member.type_name == "integer" else value
    return given


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text  # The validation says that it is no number.


def _below(path: str, *names: str) -> str:
    return "/".join([path.rstrip("/"), *(name.strip("/") for name in names if name)])


def _shape() -> StructureShape:
    return service_model.structure("InvokeEndpointAsyncInput", "sagemaker-runtime")
