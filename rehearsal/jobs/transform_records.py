"""One object of S3 to its answer: https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html"""

from __future__ import annotations

import threading
import time
from typing import Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.authorization.sagemaker import S3_MANAGED_KEY
from rehearsal.endpoints.errors import NotServingError
from rehearsal.endpoints.instance import Instance
from rehearsal.jobs import locations
from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Object
from rehearsal.jobs.transform_parameters import Parameters
from rehearsal.s3_uri import S3Uri

_MEGABYTE = 2**20
_PAUSE_SECONDS = 1.0
_FIRST_SERVER_ERROR = 500
# As the container is busy, or its server is being replaced.
_PASSING = frozenset({429, 502, 503, 504})


class BadRecord(Exception):  # noqa: N818 - AWS's word
    """The container refused an input; the message is what goes to the job's data log."""

    def __init__(self, location: S3Uri, status: int, message: str) -> None:
        self.location = location
        self.status = status
        self.who = "Client" if status < _FIRST_SERVER_ERROR else "Algorithm"
        super().__init__(f"{location}: {self.who}Error: {status}: {message}")


class Transformer:
    """Safe to use from any thread."""

    def __init__(
        self,
        request: dict[str, Any],
        how: Parameters,
        s3: Any,
        stopped: threading.Event,
        replacement_seconds: float,
    ) -> None:
        """Args:
        replacement_seconds: that a server which died may take to be there again.
        """
        self._replacement_seconds = replacement_seconds
        self._input = request["TransformInput"]
        self._output = request["TransformOutput"]
        self._how = how
        self._s3 = s3
        self._stopped = stopped

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
        headers = {
            name: value
            for name, value in (
                ("content-type", self._input.get("ContentType")),
                ("accept", self._output.get("Accept")),
            )
            if value
        }
        retries, lost_at = 0, None
        while not self._stopped.is_set():
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
            if status < _FIRST_SERVER_ERROR and status not in _PASSING:
                raise BadRecord(place, status, message)
            if retries == self._how.retries:
                raise BadRecord(place, status, message)
            retries += 1
            self._stopped.wait(_PAUSE_SECONDS)
        return None

    def _wait_for_server(self, lost_at: float, error: NotServingError) -> None:
        if time.monotonic() - lost_at > self._replacement_seconds:
            raise JobFailure(
                f"AlgorithmError: the model server did not answer GET /ping again within "
                f"{self._replacement_seconds:g} s after it had ended ({error}): see the job's logs "
                "for why."
            ) from error
        self._stopped.wait(_PAUSE_SECONDS)

    def _write(self, each: Object, answer: bytes) -> None:
        target = locations.parse(self._output["S3OutputPath"]).child(f"{each.path}.out")
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
