"""What a transform job asks of its containers: each object of S3 becomes one beside it.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-batch-code.html
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import json
import threading
import time
from dataclasses import dataclass
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.authorization.sagemaker import S3_MANAGED_KEY
from rehearsal.endpoints.errors import NotServingError
from rehearsal.endpoints.instance import Instance
from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Object, parse_uri
from rehearsal.s3_uri import S3Uri

_CONCURRENCY, _PAYLOAD_MEGABYTES = 1, 6
_TIMEOUT_SECONDS, _RETRIES = 600, 3
_STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
_VARIABLES = {
    "MaxPayloadInMB": "SAGEMAKER_MAX_PAYLOAD_IN_MB",
    "BatchStrategy": "SAGEMAKER_BATCH_STRATEGY",
    "MaxConcurrentTransforms": "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
}

Record = dict[str, Any]
_MEGABYTE = 2**20
_PAUSE_SECONDS = 1.0
_FIRST_SERVER_ERROR = 500
# As the container is busy, or its server is being replaced.
_PASSING = frozenset({429, 502, 503, 504})


@dataclass(frozen=True)
class Parameters:
    """How a container is asked: what the job says, what the container says, AWS's defaults.

    Attributes:
        concurrency: requests at a time on one instance.
        payload_megabytes: the most of one request; 0, without a limit.
        timeout_seconds: of one request.
        retries: of one request that had no answer, or one of a busy container.
    """

    concurrency: int
    payload_megabytes: int
    timeout_seconds: float
    retries: int


def variables(request: Record) -> dict[str, str]:
    """The environment variables of the container, those of the model aside."""
    given = {name: str(request[member]) for member, name in _VARIABLES.items() if member in request}
    own = {name: _STRATEGIES.get(value, value) for name, value in given.items()}
    return dict(request.get("Environment", {})) | {"SAGEMAKER_BATCH": "true"} | own


def parameters(request: Record, answered: bytes | None) -> Parameters:
    """How the containers of a job are asked.

    Args:
        answered: what a container says to `GET /execution-parameters`; None, nothing.
    """
    own = _own(answered)
    client = request.get("ModelClientConfig", {})
    # 0 leaves it to the container, as an absent member does.
    concurrency = request.get("MaxConcurrentTransforms") or own.get("MaxConcurrentTransforms")
    default = own.get("MaxPayloadInMB", _PAYLOAD_MEGABYTES)
    return Parameters(
        concurrency=max(int(concurrency or _CONCURRENCY), 1),
        payload_megabytes=int(request.get("MaxPayloadInMB", default)),
        timeout_seconds=float(client.get("InvocationsTimeoutInSeconds", _TIMEOUT_SECONDS)),
        retries=int(client.get("InvocationsMaxRetries", _RETRIES)),
    )


def _own(answered: bytes | None) -> dict[str, int]:
    try:
        found = json.loads(answered or b"{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {key: value for key, value in found.items() if isinstance(value, int)}


class BadRecord(Exception):  # noqa: N818 - AWS's word
    """The container refused an input; the message is what goes to the job's data log."""

    def __init__(self, location: S3Uri, status: int, message: str) -> None:
        self.location = location
        self.status = status
        self.who = "Client" if status < _FIRST_SERVER_ERROR else "Algorithm"
        super().__init__(f"{location}: {self.who}Error: {status}: {message}")


class Transformer:
    """Transforms objects, from any thread."""

    def __init__(
        self,
        request: Record,
        how: Parameters,
        s3: Any,
        cancelled: threading.Event,
        replacement_seconds: float,
    ) -> None:
        """Transforms the objects of one job.

        Args:
            s3: a client of its role.
            cancelled: set when nothing more is to be asked.
            replacement_seconds: that a server which died may take to be there again.
        """
        self._input = request["TransformInput"]
        self._output = request["TransformOutput"]
        self._how = how
        self._s3 = s3
        self._cancelled = cancelled
        self._replacement_seconds = replacement_seconds

    def transform(self, each: Object, instance: Instance) -> None:
        """Writes the answer to `<S3OutputPath>/<path>.out`.

        Raises:
            BadRecord: the container refused it, or it is too large.
            JobFailure: S3 refuses, or the instance has no server any more.
        """
        answer = self._answer(each.location, self._read(each), instance)
        if answer is not None:
            self._write(each, answer)

    def _read(self, each: Object) -> bytes:
        place = each.location
        try:
            found = self._s3.get_object(Bucket=place.bucket, Key=place.key)
            body: bytes = found["Body"].read()
        except (ClientError, BotoCoreError) as error:
            raise JobFailure(f"ClientError: {place} could not be read: {error}") from error
        most = self._how.payload_megabytes * _MEGABYTE
        if most and len(body) > most:
            raise BadRecord(
                place,
                413,
                f"It has {len(body)} bytes, and MaxPayloadInMB is {self._how.payload_megabytes}: "
                "raise that, or split it.",
            )
        return body

    def _answer(self, place: S3Uri, body: bytes, instance: Instance) -> bytes | None:
        """None: the job was stopped."""
        headers = {}
        if content_type := self._input.get("ContentType"):
            headers["content-type"] = content_type
        if accept := self._output.get("Accept"):
            headers["accept"] = accept
        retries, lost_at = 0, None
        while not self._cancelled.is_set():
            try:
                found = instance.post("/invocations", body, headers, self._how.timeout_seconds)
            except NotServingError as error:
                # It has seen nothing of the request.
                lost_at = lost_at or time.monotonic()
                self._wait_for_server(lost_at, error)
                continue
            except httpx.HTTPError as error:
                status, message = 500, f"no answer: {error!r}"
            else:
                status, message = found.status_code, found.text
                if found.is_success:
                    return found.content
            lost_at = None
            is_final = status < _FIRST_SERVER_ERROR and status not in _PASSING
            if is_final or retries == self._how.retries:
                raise BadRecord(place, status, message)
            retries += 1
            self._cancelled.wait(_PAUSE_SECONDS)
        return None

    def _wait_for_server(self, lost_at: float, error: NotServingError) -> None:
        if time.monotonic() - lost_at > self._replacement_seconds:
            raise JobFailure(
                f"AlgorithmError: the model server did not answer GET /ping again within "
                f"{self._replacement_seconds:g} s after it had ended ({error}): see the job's logs "
                "for why."
            ) from error
        self._cancelled.wait(_PAUSE_SECONDS)

    def _write(self, each: Object, answer: bytes) -> None:
        target = parse_uri(self._output["S3OutputPath"]).child(f"{each.path}.out")
        if self._output.get("AssembleWith") == "Line":
            answer += b"\n"
        # As of a training job's output: API_TransformOutput.
        key = self._output.get("KmsKeyId") or S3_MANAGED_KEY
        try:
            self._s3.put_object(
                Bucket=target.bucket,
                Key=target.key,
                Body=answer,
                ServerSideEncryption="aws:kms",
                SSEKMSKeyId=key,
            )
        except (ClientError, BotoCoreError) as error:
            raise JobFailure(f"ClientError: {target} could not be written: {error}") from error
