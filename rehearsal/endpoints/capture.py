"""Data capture: sampled requests and answers, as JSON Lines in S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
import logging
import threading
import uuid
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal import aws
from rehearsal.backends import DataCapture, Variant
from rehearsal.endpoints.requests import (
    CUSTOM_ATTRIBUTES,
    INFERENCE_ID,
    Answer,
    Request,
    chosen,
)
from rehearsal.s3_uri import S3Uri
from rehearsal.settings import RehearsalSettings
from rehearsal.supervised import Failures, SupervisedThread

_log = logging.getLogger(__name__)

# Beyond this nothing is captured until what is there is in S3, so that no endpoint suffers.
_MOST_BYTES = 64 * 2**20


class _Object(NamedTuple):
    """What the lines of one object have in common."""

    variant: str
    role_arn: str
    hour: str


class Capture:
    """Writes from a thread of its own, as the role of each variant's model, to
    `<uri>/<endpoint>/<variant>/yyyy/mm/dd/hh/<mm-ss-ms-uuid>.jsonl`, hours in UTC.
    """

    def __init__(
        self,
        settings: RehearsalSettings,
        endpoint: str,
        config: DataCapture,
        every_seconds: float,
    ):
        self._settings = settings
        self._endpoint = endpoint
        self._config = config
        self._lock = threading.Lock()
        self._lines: dict[_Object, list[tuple[datetime, str]]] = defaultdict(list)
        self._bytes = 0
        self._roles: dict[str, aws.Role] = {}
        self._failures = Failures(f"capture {endpoint}")
        self._thread = SupervisedThread(f"capture {endpoint}", self._write, every_seconds)
        self._thread.start()

    def sampled(self) -> bool:
        """Whether chance picks a request."""
        return chosen(self._config.sampling_share)

    def record(self, variant: Variant, request: Request, answer: Answer) -> None:
        """Takes a request that was sampled; returns at once."""
        time = datetime.now(UTC)
        line = json.dumps(self._event(request, answer, time), separators=(",", ":"))
        with self._lock:
            if self._bytes + len(line) > _MOST_BYTES:
                _log.warning("Capture of %s is behind: a request is left out.", self._endpoint)
                return
            self._bytes += len(line)
            place = _Object(variant.name, variant.role_arn, f"{time:%Y/%m/%d/%H}")
            self._lines[place].append((time, line))

    def close(self) -> None:
        """Writes what is left, and ends."""
        self._thread.close()
        self._write()

    def _event(self, request: Request, answer: Answer, time: datetime) -> dict[str, Any]:
        captured = {}
        for mode, member, part in (
            ("INPUT", "endpointInput", request),
            ("OUTPUT", "endpointOutput", answer),
        ):
            if mode in self._config.modes:
                content_type = part.headers.get("content-type")
                captured[member] = self._data(mode, content_type, part.body)
        metadata: dict[str, Any] = {"eventId": str(uuid.uuid4())}
        if attributes := request.headers.get(CUSTOM_ATTRIBUTES):
            metadata["customAttributes"] = [attributes]
        if inference_id := request.headers.get(INFERENCE_ID):
            metadata["inferenceId"] = inference_id
        metadata["inferenceTime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ")
        return {"captureData": captured, "eventMetadata": metadata, "eventVersion": "0"}

    def _data(self, mode: str, content_type: str | None, body: bytes) -> dict[str, Any]:
        encoding = self._encoding(content_type)
        try:
            text = body.decode("ascii" if encoding == "BASE64" else "utf-8")
        except UnicodeDecodeError:
            encoding, text = "BASE64", ""
        if encoding == "BASE64":
            text = base64.b64encode(body).decode("ascii")
        return {
            "observedContentType": content_type,
            "mode": mode,
            "data": text,
            "encoding": encoding,
        }

    def _encoding(self, content_type: str | None) -> str:
        plain = (content_type or "").partition(";")[0].strip().lower()
        if plain in self._config.json_content_types:
            return "JSON"
        return "CSV" if plain in self._config.csv_content_types else "BASE64"

    def _write(self) -> None:
        with self._lock:
            taken, self._lines, self._bytes = self._lines, defaultdict(list), 0
        for wanted, lines in taken.items():
            with self._failures.watched(wanted.variant):
                self._put(wanted, lines)

    def _put(self, wanted: _Object, lines: list[tuple[datetime, str]]) -> None:
        first = lines[0][0]
        name = f"{first:%M-%S}-{first.microsecond // 1000:03d}-{uuid.uuid4()}.jsonl"
        place = S3Uri.parse(self._config.destination_s3_uri)
        parts = [place.key.strip("/"), self._endpoint, wanted.variant, wanted.hour, name]
        encrypted = {}
        if self._config.kms_key_id:
            encrypted = {
                "ServerSideEncryption": "aws:kms",
                "SSEKMSKeyId": self._config.kms_key_id,
            }
        try:
            if wanted.role_arn not in self._roles:
                role = aws.Role(self._settings, wanted.role_arn, "SageMaker-capture")
                self._roles[wanted.role_arn] = role
            self._roles[wanted.role_arn].client("s3").put_object(
                Bucket=place.bucket,
                Key="/".join(part for part in parts if part),
                Body="".join(f"{line}\n" for _, line in lines).encode(),
                **encrypted,
            )
        except (ClientError, BotoCoreError) as error:
            _log.warning(
                "%d captured requests of %s could not be written below %s as %s: %s",
                *(len(lines), self._endpoint, self._config.destination_s3_uri, wanted.role_arn),
                error,
            )
