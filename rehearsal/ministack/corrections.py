"""Where MiniStack does other than AWS, and a deployment would notice."""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import unescape

from rehearsal.ministack.resource_types import Made

_log = logging.getLogger(__name__)

Answer = tuple[int, dict[str, str], bytes]


def correct_ecr() -> None:
    """DescribeImages of an image that is not there is an error on AWS:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html

    MiniStack answers with an empty list, and the CDK CLI would take the image for published.
    """
    from ministack.core.responses import error_response_json
    from ministack.services import ecr

    describe: Callable[[dict[str, Any]], Answer] = ecr._describe_images

    def describe_images(data: dict[str, Any]) -> Answer:
        name = data.get("repositoryName", "")
        missing = [
            asked
            for asked in data.get("imageIds") or []
            if name in ecr._repositories and not ecr._find_image(name, asked)
        ]
        if missing:
            return error_response_json(  # type: ignore[no-any-return]
                "ImageNotFoundException",
                f"The image with imageId {json.dumps(missing[0])} does not exist within the "
                f"repository with name '{name}' in the registry.",
                400,
            )
        return describe(data)

    ecr._describe_images = describe_images


def fail_interrupted_stacks(reason: str) -> None:
    """A stack whose operation the last stop cut short would be in progress for ever."""
    from ministack.services import cloudformation

    for stack in cloudformation._stacks._data.values():
        operation, _, state = stack.get("StackStatus", "").partition("_")
        if operation in ("CREATE", "UPDATE", "DELETE", "ROLLBACK") and "IN_PROGRESS" in state:
            stack["StackStatus"] = f"{operation}_FAILED"
            stack["StackStatusReason"] = reason


def refuse_existing_log_groups() -> None:
    """A stack can't make a log group that is there: MiniStack would empty it."""
    from ministack.services import cloudwatch_logs
    from ministack.services.cloudformation import provisioners

    type_name = "AWS::Logs::LogGroup"
    its_own = provisioners._RESOURCE_HANDLERS[type_name]

    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Made:
        name = properties.get("LogGroupName")
        if name in cloudwatch_logs._log_groups:
            identifier = json.dumps({"/properties/LogGroupName": name}, separators=(",", ":"))
            raise ValueError(
                f"Resource of type '{type_name}' with identifier '{identifier}' already exists."
            )
        made: Made = its_own["create"](logical_id, properties, stack)
        return made

    provisioners._RESOURCE_HANDLERS[type_name] = its_own | {"create": create}


def retry_functions() -> None:
    """EventBridge, and an alarm, ask a function that fails twice more, and then send the event to
    its dead-letter queue: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html

    MiniStack has that for others that call functions. It waits 1 s and 2 s between, AWS minutes.
    """
    from ministack.services import eventbridge, lambda_svc

    def dispatch_to_lambda(arn: str, payload: str) -> None:
        function, config, _ = lambda_svc._get_func_record_for_ref(arn)
        if not function or not config:
            _log.warning("The function %s is not there: an event is lost", arn)
            return
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(payload))

    eventbridge._dispatch_to_lambda = dispatch_to_lambda


def encode_keys_of_versions() -> None:
    """ListObjectVersions with EncodingType=url, which MiniStack leaves out: a key with a control
    character would make an answer that is no XML.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
    """
    from ministack.services import s3

    its_own = s3._list_object_versions

    def list_object_versions(bucket: str, query: dict[str, Any]) -> Answer:
        status, headers, body = its_own(bucket, query)
        if status == 200 and s3._qp(query, "encoding-type", "") == "url":
            body = _WITH_KEYS.sub(_url_encoded, body.decode()).encode()
            body = body.replace(b"<IsTruncated>", b"<EncodingType>url</EncodingType><IsTruncated>")
        return status, headers, body

    s3._list_object_versions = list_object_versions


# In XML's text there is no "<".
_WITH_KEYS = re.compile(r"<(Key|Prefix|Delimiter|KeyMarker|NextKeyMarker)>([^<]+)</\1>")


def _url_encoded(found: re.Match[str]) -> str:
    return f"<{found[1]}>{quote(unescape(found[2]), safe='/')}</{found[1]}>"


def match_newlines_in_policies() -> None:
    """IAM's `*` and `?` stand for any character, a newline in a key too:
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    from ministack.core import iam_evaluator

    its_own = iam_evaluator._fnmatch_compile

    @lru_cache(maxsize=4096)
    def compiled(pattern: str, ignore_case: bool) -> re.Pattern[str]:
        found = its_own(pattern, ignore_case)
        # `$` would also stand before a newline at the end.
        return re.compile(found.pattern.removesuffix("$") + r"\Z", found.flags | re.DOTALL)

    iam_evaluator._fnmatch_compile = compiled


def delete_buckets_as_s3() -> None:
    """A stack's bucket that holds objects or versions is not deleted, and of one that is nothing
    stays. MiniStack drops it with all it holds, and leaves the folders of its keys, of which the
    next start would make the bucket again.
    """
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    type_name = "AWS::S3::Bucket"

    def delete(name: str, properties: dict[str, Any]) -> None:
        status, _, body = s3._delete_bucket(name)
        if status >= 400 and status != 404:
            said = {
                tag: (re.search(f"<{tag}>([^<]*)</{tag}>", body.decode()) or ["", ""])[1]
                for tag in ("Code", "Message")
            }
            raise ValueError(
                f"{said['Message']} (Service: Amazon S3; Status Code: {status}; Error Code: "
                f"{said['Code']})"
            )

    its_own = provisioners._RESOURCE_HANDLERS[type_name]
    provisioners._RESOURCE_HANDLERS[type_name] = its_own | {"delete": delete}


def delete_tables_as_dynamodb() -> None:
    """A stack's table under deletion protection is not deleted; MiniStack drops it.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html
    """
    from ministack.services import dynamodb
    from ministack.services.cloudformation import provisioners

    type_name = "AWS::DynamoDB::Table"
    its_own = provisioners._RESOURCE_HANDLERS[type_name]

    def delete(name: str, properties: dict[str, Any]) -> None:
        if name in dynamodb._tables and dynamodb._tables[name].get("DeletionProtectionEnabled"):
            raise ValueError(
                "Resource cannot be deleted as it is currently protected against deletion. Disable "
                "deletion protection first. (Service: DynamoDb, Status Code: 400)"
            )
        its_own["delete"](name, properties)

    provisioners._RESOURCE_HANDLERS[type_name] = its_own | {"delete": delete}


def tag_buckets() -> None:
    """MiniStack makes a stack's buckets without their tags: the function with which CDK empties a
    bucket looks for one.
    """
    from ministack.services import s3
    from ministack.services.cloudformation import provisioners

    type_name = "AWS::S3::Bucket"
    its_own = provisioners._RESOURCE_HANDLERS[type_name]
    provisioners._STACK_TAG_PROPERTY[type_name] = ("Tags", "list")

    def tagged(work: Callable[..., Made], given: int) -> Callable[..., Made]:
        """Args:
        given: which of its arguments are the properties.
        """

        def tagging(*arguments: Any) -> Made:
            name, attributes = work(*arguments)
            tags = provisioners._tag_map(arguments[given].get("Tags"))
            if tags:
                s3._bucket_tags[name] = tags
            return name, attributes

        return tagging

    changed = {"create": tagged(its_own["create"], 1)}
    if "update" in its_own:
        changed["update"] = tagged(its_own["update"], 2)
    provisioners._RESOURCE_HANDLERS[type_name] = its_own | changed
