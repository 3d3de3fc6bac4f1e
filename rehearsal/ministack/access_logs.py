"""Server access logs of S3, which MiniStack keeps the setting of and never writes:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
"""

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from ministack.core import responses
from ministack.services import s3

from rehearsal.ministack.loop import Answer, Handler, scope
from rehearsal.supervised import Failures

EVERY_SECONDS = 0.5
_WRITER = "logging.s3.amazonaws.com"
# An object holds no more lines, so that a run of many requests fills no disk.
_MOST_LINES = 1_000
_failures = Failures("access logs")


@dataclass
class _Waiting:
    """Lines of one bucket that are not delivered yet."""

    account: str
    region: str
    target: str
    prefix: str
    since: float
    lines: list[str] = field(default_factory=list)


class AccessLogs:
    """Lines of requests, delivered `late` seconds after the first of them as an object a bucket.

    As on AWS they still arrive after logging was turned off or the bucket deleted, while the
    target's policy lets S3 write there. What waits when that policy is deleted comes just before:
    on AWS logs come at any moment, and so at the one that is least welcome to who empties a bucket.
    """

    def __init__(self, late: float) -> None:
        self._late = late
        self._waiting: dict[tuple[str, str], _Waiting] = {}

    async def handle_request(
        self,
        old: Handler,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query: dict[str, Any],
    ) -> Answer:
        """Notes each request of a bucket that has its requests logged."""
        bucket = unquote(path).lstrip("/").partition("/")[0]
        # Before the request: it may be the one that deletes the bucket.
        setting = _setting(bucket)
        if method == "DELETE" and "policy" in query:
            self._deliver(lambda waiting: waiting.target == bucket)
        answer = await old(method, path, headers, body, query)
        if setting is not None:
            self._note(bucket, setting, f"{bucket} REST.{method} {path} {answer[0]}")
        return answer

    def delete_bucket_policy(
        self, old: Callable[..., None], physical_id: str, properties: dict[str, Any]
    ) -> None:
        """Delivers what waits, just before the policy is gone that lets it be written."""
        self._deliver(lambda waiting: waiting.target == properties.get("Bucket"))
        old(physical_id, properties)

    def deliver(self) -> None:
        """What has waited long enough; on MiniStack's loop."""
        now = time.monotonic()
        self._deliver(lambda waiting: waiting.since + self._late <= now)

    def _deliver(self, wanted: Callable[[_Waiting], bool]) -> None:
        for key, waiting in list(self._waiting.items()):
            if wanted(waiting):
                del self._waiting[key]
                with _failures.watched(key[1]), scope(waiting.account, waiting.region):
                    _write(waiting)

    def _note(self, bucket: str, setting: tuple[str, str], line: str) -> None:
        account, region = responses.get_account_id(), responses.get_region()
        fresh = _Waiting(account, region, *setting, time.monotonic())
        lines = self._waiting.setdefault((account, bucket), fresh).lines
        if len(lines) < _MOST_LINES:
            lines.append(line)


def _setting(bucket: str) -> tuple[str, str] | None:
    """The target bucket and the prefix of a bucket's logs; None where it has none."""
    found = s3._bucket_logging_config.get(bucket) or ""
    target = re.search("<TargetBucket>([^<]+)</TargetBucket>", found)
    prefix = re.search("<TargetPrefix>([^<]*)</TargetPrefix>", found)
    return (target[1], prefix[1] if prefix else "") if target else None


def _write(waiting: _Waiting) -> None:
    if waiting.target in s3._buckets and _may_write(s3._bucket_policies.get(waiting.target)):
        moment = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
        key = f"{waiting.prefix}{moment}-{uuid.uuid4().hex[:16].upper()}"
        s3._put_object(waiting.target, key, "\n".join([*waiting.lines, ""]).encode(), {})


def _may_write(policy: str | None) -> bool:
    statements = json.loads(policy or "{}").get("Statement", [])
    return any(
        each.get("Effect") == "Allow" and _WRITER in json.dumps(each.get("Principal"))
        for each in (statements if isinstance(statements, list) else [statements])
    )


def keep_setting(name: str, properties: dict[str, Any]) -> None:
    """Gives a stack's bucket the LoggingConfiguration of its template."""
    logging = properties.get("LoggingConfiguration") or {}
    if target := logging.get("DestinationBucketName"):
        prefix = escape(logging.get("LogFilePrefix", ""))
        s3._bucket_logging_config[name] = (
            "<BucketLoggingStatus><LoggingEnabled>"
            f"<TargetBucket>{escape(target)}</TargetBucket>"
            f"<TargetPrefix>{prefix}</TargetPrefix>"
            "</LoggingEnabled></BucketLoggingStatus>"
        )
    else:
        s3._bucket_logging_config.pop(name, None)
