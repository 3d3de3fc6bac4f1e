"""Server access logs of S3, which MiniStack keeps the setting of and never writes:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote
from xml.sax.saxutils import escape

from rehearsal.ministack.loop import scope
from rehearsal.ministack.services import Answer
from rehearsal.supervised import Failures

EVERY_SECONDS = 0.5
_WRITER = "logging.s3.amazonaws.com"
# An object holds no more lines, so that a run of many requests fills no disk.
_MOST_LINES = 1_000
_failures = Failures("access logs")

Made = tuple[str, dict[str, Any]]


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

    def begin(self) -> None:
        """Notes all requests from now on, and the settings that stacks give to their buckets."""
        from ministack import app
        from ministack.services.cloudformation import provisioners

        app.SERVICE_HANDLERS["s3"] = self._noting(app.SERVICE_HANDLERS["s3"])
        its_own = provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"]
        kept = {"create": _keeping(its_own["create"], 1), "update": _keeping(its_own["update"], 2)}
        provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"] = its_own | kept
        policy = provisioners._RESOURCE_HANDLERS["AWS::S3::BucketPolicy"]
        deleting = {"delete": self._at_the_last_moment(policy["delete"])}
        provisioners._RESOURCE_HANDLERS["AWS::S3::BucketPolicy"] = policy | deleting

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

    def _at_the_last_moment(self, delete: Callable[..., None]) -> Callable[..., None]:
        """Of the deletion of a bucket's policy."""

        def deleting(physical_id: str, properties: dict[str, Any]) -> None:
            self._deliver(lambda waiting: waiting.target == properties.get("Bucket"))
            delete(physical_id, properties)

        return deleting

    def _noting(self, its_own: Callable[..., Any]) -> Callable[..., Any]:
        async def handler(
            method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
        ) -> Answer:
            bucket = unquote(path).lstrip("/").partition("/")[0]
            # Before the request: it may be the one that deletes the bucket.
            setting = _setting(bucket)
            if method == "DELETE" and "policy" in query:
                self._deliver(lambda waiting: waiting.target == bucket)
            answer: Answer = await its_own(method, path, headers, body, query)
            if setting is not None:
                self._note(bucket, setting, f"{bucket} REST.{method} {path} {answer[0]}")
            return answer

        return handler

    def _note(self, bucket: str, setting: tuple[str, str], line: str) -> None:
        from ministack.core import responses

        account, region = responses.get_account_id(), responses.get_region()
        fresh = _Waiting(account, region, *setting, time.monotonic())
        lines = self._waiting.setdefault((account, bucket), fresh).lines
        if len(lines) < _MOST_LINES:
            lines.append(line)


def _setting(bucket: str) -> tuple[str, str] | None:
    """The target bucket and the prefix of a bucket's logs; None where it has none."""
    from ministack.services import s3

    found = s3._bucket_logging_config.get(bucket) or ""
    target = re.search("<TargetBucket>([^<]+)</TargetBucket>", found)
    prefix = re.search("<TargetPrefix>([^<]*)</TargetPrefix>", found)
    return (target[1], prefix[1] if prefix else "") if target else None


def _write(waiting: _Waiting) -> None:
    from ministack.services import s3

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


def _keeping(work: Callable[..., Made], given: int) -> Callable[..., Made]:
    """Args:
    given: which of its arguments are the properties.
    """

    def keeping(*arguments: Any) -> Made:
        from ministack.services import s3

        name, attributes = work(*arguments)
        logging = arguments[given].get("LoggingConfiguration") or {}
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
        return name, attributes

    return keeping
