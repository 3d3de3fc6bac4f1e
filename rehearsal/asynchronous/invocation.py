"""One invocation: input from S3, the model server's answer to S3, a notification."""

import base64
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.model import StructureShape

from rehearsal import aws, service_model
from rehearsal.backends import EndpointBackend
from rehearsal.errors import ApiError
from rehearsal.s3_uri import S3Uri
from rehearsal.service_model import now
from rehearsal.settings import RehearsalSettings

_TTL_SECONDS, _TIMEOUT_SECONDS = 21_600, 900  # AWS's defaults

Record = dict[str, Any]


def read_request(endpoint: Record, headers: Mapping[str, str], body: bytes) -> Record:
    """The invocation that a client asks for: the request's members, with their defaults, and
    where its answer goes.

    Args:
        endpoint: an asynchronous one's record.
        headers: names in lower case.

    Raises:
        ApiError: ValidationException, e.g. neither a body nor an input location.
    """
    given = _given(headers, body) | {"EndpointName": endpoint["EndpointName"]}
    service_model.check_request(_shape(), given)
    if ("Body" in given) == ("InputLocation" in given):
        raise ApiError("ValidationError", "Give exactly one of Body and InputLocation.")
    invocation_id = str(uuid.uuid4())
    output = endpoint["AsyncInferenceConfig"]["OutputConfig"]
    names = [
        given.get("S3OutputPathExtension", ""),
        given.get("Filename") or f"{invocation_id}.out",
    ]
    invocation = given | {
        "Id": invocation_id,
        "InferenceId": given.get("InferenceId", invocation_id),
        "RequestTTLSeconds": given.get("RequestTTLSeconds", _TTL_SECONDS),
        "InvocationTimeoutSeconds": given.get("InvocationTimeoutSeconds", _TIMEOUT_SECONDS),
        "OutputLocation": _below(output["S3OutputPath"], *names),
        "ReceivedTime": now(),
    }
    if failures := output.get("S3FailurePath"):
        invocation["FailureLocation"] = _below(failures, f"{invocation_id}-error.out")
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


_log = logging.getLogger(__name__)


class NoServerError(Exception):
    """No server takes the request now: it must wait."""


@dataclass(frozen=True)
class Ended:
    """How an invocation ended.

    Attributes:
        failure: one sentence; None, it succeeded.
        seconds: that its processing took.
    """

    failure: str | None
    seconds: float


@dataclass(frozen=True)
class Runner:
    """Runs invocations of one endpoint, as the role of its model.

    Attributes:
        output: the configuration's `OutputConfig`.
        closing: whether the servers are being ended: no answer is then no failure.
    """

    settings: RehearsalSettings
    endpoints: EndpointBackend
    role: aws.Role
    output: Record
    closing: Callable[[], bool]

    def run(self, invocation: Record) -> Ended:
        """Blocks until the answer is in S3 and the notification is sent.

        Raises:
            NoServerError: nothing was done.
        """
        began = time.monotonic()
        try:
            # It outlives the role's first credentials where the answer takes long.
            content_type, failure = self._answered(self.role.client("s3"), invocation)
        except NoServerError:
            raise
        except (ClientError, BotoCoreError) as error:
            content_type, failure = None, f"InternalError: {error}"
        except Exception as error:  # noqa: BLE001 - a fault of ours must end it, too
            _log.exception("The invocation %s failed", invocation["Id"])
            content_type, failure = None, f"InternalError: {error!r}"
        self._notify(invocation, content_type, failure)
        return Ended(failure, time.monotonic() - began)

    def expire(self, invocation: Record) -> None:
        """Of one that waited longer than it may."""
        failure = f"The request expired: it waited for {invocation['RequestTTLSeconds']} seconds."
        self._notify(invocation, None, failure)

    def _answered(self, s3: Any, invocation: Record) -> tuple[str | None, str | None]:
        """The answer's content type, and why it failed."""
        try:
            status, headers, content = self.endpoints.invoke(
                invocation["EndpointName"],
                _input(s3, invocation),
                _headers(invocation),
                float(invocation["InvocationTimeoutSeconds"]),
            )
        except ApiError as error:
            if error.code == "ServiceUnavailable" or self.closing():
                raise NoServerError from error
            status, headers, content = 500, {}, error.message.encode()
        lower = {name.lower(): value for name, value in headers.items()}
        content_type = lower.get("content-type", "application/octet-stream")
        if 200 <= status < 300:
            self._put(s3, invocation["OutputLocation"], content, content_type)
            return content_type, None
        if location := invocation.get("FailureLocation"):
            self._put(s3, location, content, content_type)
        who = "client" if status < 500 else "server"
        message = content.decode("utf-8", "replace")
        return content_type, (
            f"{who.capitalize()}Error: Received {who} error ({status}) from model with message "
            f'"{message}".'
        )

    def _put(self, s3: Any, location: str, content: bytes, content_type: str) -> None:
        place = S3Uri.parse(location)
        encryption = {}
        if key := self.output.get("KmsKeyId"):
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key}
        s3.put_object(
            Bucket=place.bucket,
            Key=place.key,
            Body=content,
            ContentType=content_type,
            **encryption,
        )

    def _notify(self, invocation: Record, content_type: str | None, failure: str | None) -> None:
        # https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
        topics = self.output.get("NotificationConfig") or {}
        topic = topics.get("ErrorTopic" if failure else "SuccessTopic")
        if not topic:
            return
        message = json.dumps(_message(self.settings, invocation, content_type, failure))
        try:
            self.role.client("sns").publish(TopicArn=topic, Message=message)
        except (ClientError, BotoCoreError) as error:
            _log.warning("The topic %s was not told of %s: %s", topic, invocation["Id"], error)


def _input(s3: Any, invocation: Record) -> bytes:
    if "Body" in invocation:
        return base64.b64decode(invocation["Body"])
    place = S3Uri.parse(invocation["InputLocation"])
    found: bytes = s3.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
    return found


def _headers(invocation: Record) -> dict[str, str]:
    names = {
        "ContentType": "content-type",
        "Accept": "accept",
        "CustomAttributes": "x-amzn-sagemaker-custom-attributes",
        "InferenceId": "x-amzn-sagemaker-inference-id",
    }
    return {header: invocation[name] for name, header in names.items() if name in invocation}


def _message(
    settings: RehearsalSettings, invocation: Record, content_type: str | None, failure: str | None
) -> Record:
    parameters = {"endpointName": invocation["EndpointName"]}
    parameters |= {
        shown: invocation[name]
        for name, shown in (("ContentType", "contentType"), ("InputLocation", "inputLocation"))
        if name in invocation
    }
    message: Record = {
        "awsRegion": settings.region,
        "eventTime": _stamp(now()),
        "receivedTime": _stamp(invocation["ReceivedTime"]),
        "invocationStatus": "Failed" if failure else "Completed",
        "requestParameters": parameters,
        "inferenceId": invocation["InferenceId"],
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    if failure:
        return message | {"failureReason": failure}
    answer = {"contentType": content_type, "outputLocation": invocation["OutputLocation"]}
    return message | {"responseParameters": answer}


def _stamp(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
