"""What MiniStack's handlers of a stack's resources leave out, or delete and AWS does not."""

import json
import re
from collections.abc import Callable
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch_logs, dynamodb, ecr, eventbridge, iam, s3
from ministack.services.cloudformation import provisioners

from rehearsal.ministack.loop import Answer

Properties = dict[str, Any]
Provisioned = tuple[str, dict[str, Any]]
"""A physical id and attributes."""

Handler = Callable[..., Provisioned]
"""Creates or updates a resource of a stack."""

Change = Callable[[str, Properties], None]
"""Of a resource that is there, by its physical id and the properties of its template."""


def after_create(
    change: Change, old: Handler, logical_id: str, properties: Properties, stack: str
) -> Provisioned:
    """Changes a resource once it is there."""
    physical_id, attributes = old(logical_id, properties, stack)
    change(physical_id, properties)
    return physical_id, attributes


def after_update(
    change: Change,
    old: Handler,
    given_id: str,
    before: Properties,
    after: Properties,
    *rest: Any,
    **named: Any,
) -> Provisioned:
    """Changes a resource again once it is updated."""
    physical_id, attributes = old(given_id, before, after, *rest, **named)
    change(physical_id, after)
    return physical_id, attributes


def tag_bucket(name: str, properties: Properties) -> None:
    """The function with which CDK empties a bucket looks for a tag of it."""
    if tags := provisioners._tag_map(properties.get("Tags")):
        s3._bucket_tags[name] = tags


def delete_bucket(old: Callable[..., None], name: str, properties: Properties) -> None:
    """A bucket that holds objects or versions is not deleted, and of one that is nothing stays.
    MiniStack drops it with all it holds, and leaves the folders of its keys, of which the next
    start would make the bucket again.
    """
    status, _, body = s3._delete_bucket(name)
    if status >= 400 and status != 404:
        code, message = (
            (re.search(f"<{tag}>([^<]*)</{tag}>", body.decode()) or ["", ""])[1]
            for tag in ("Code", "Message")
        )
        raise ValueError(
            f"{message} (Service: Amazon S3; Status Code: {status}; Error Code: {code})"
        )


def delete_table(old: Callable[..., None], name: str, properties: Properties) -> None:
    """A table under deletion protection is not deleted.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html
    """
    if name in dynamodb._tables and dynamodb._tables[name].get("DeletionProtectionEnabled"):
        raise ValueError(
            "Resource cannot be deleted as it is currently protected against deletion. Disable "
            "deletion protection first. (Service: DynamoDb, Status Code: 400)"
        )
    old(name, properties)


def create_log_group(
    old: Handler, logical_id: str, properties: Properties, stack: str
) -> Provisioned:
    """A stack can't make a log group that is there: MiniStack would empty it."""
    name = properties.get("LogGroupName")
    if name in cloudwatch_logs._log_groups:
        identifier = json.dumps({"/properties/LogGroupName": name}, separators=(",", ":"))
        raise ValueError(
            f"Resource of type 'AWS::Logs::LogGroup' with identifier '{identifier}' already exists."
        )
    return old(logical_id, properties, stack)


def create_role(old: Handler, logical_id: str, properties: Properties, stack: str) -> Provisioned:
    """A role keeps the permissions boundary of its template; one that names a policy that is not
    there is refused, as by IAM. MiniStack's enforcement heeds what the role keeps.
    """
    _check_boundary(properties)
    return after_create(_set_boundary, old, logical_id, properties, stack)


def update_role(
    old: Handler,
    physical_id: str,
    before: Properties,
    after: Properties,
    *rest: Any,
    **named: Any,
) -> Provisioned:
    """The same of a change of its template."""
    _check_boundary(after)
    return after_update(_set_boundary, old, physical_id, before, after, *rest, **named)


def _check_boundary(properties: Properties) -> None:
    boundary = properties.get("PermissionsBoundary")
    if boundary is not None and boundary not in iam._policies:
        raise ValueError(
            f"Scope ARN: {boundary} does not exist or is not attachable. (Service: Iam, "
            "Status Code: 404, Error Code: NoSuchEntity)"
        )


def _set_boundary(name: str, properties: Properties) -> None:
    boundary = properties.get("PermissionsBoundary")
    if boundary is None:
        iam._roles[name].pop("PermissionsBoundary", None)
    else:
        iam._roles[name]["PermissionsBoundary"] = boundary


def event_bus_policy(old: None) -> dict[str, Any]:
    """The handlers of `AWS::Events::EventBusPolicy`, which MiniStack has in its API alone.

    A stack's statement stands in its bus's policy; there is one account here, and nobody asks.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-eventbuspolicy.html
    """

    def create(logical_id: str, properties: Properties, stack: str) -> Provisioned:
        return _put_statement(properties)

    def update(physical_id: str, before: Properties, after: Properties, stack: str) -> Provisioned:
        eventbridge._remove_permission(_statement_id(before))
        return _put_statement(after)

    def delete(physical_id: str, properties: Properties) -> None:
        eventbridge._remove_permission(_statement_id(properties))

    return {"create": create, "update": update, "delete": delete}


def _put_statement(properties: Properties) -> Provisioned:
    named = _statement_id(properties)
    statement = properties.get("Statement") or properties
    if isinstance(statement, str):
        statement = json.loads(statement)
    members = ("Action", "Principal", "Condition")
    given = {key: statement[key] for key in members if key in statement}
    eventbridge._put_permission(named | given)
    return f"{named['EventBusName']}|{named['StatementId']}", {}


def _statement_id(properties: Properties) -> dict[str, Any]:
    return {
        "EventBusName": properties.get("EventBusName") or "default",
        "StatementId": properties["StatementId"],
    }


def describe_images(old: Callable[[dict[str, Any]], Answer], data: dict[str, Any]) -> Answer:
    """DescribeImages of an image that is not there is an error on AWS:
    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html

    MiniStack answers with an empty list, and the CDK CLI would take the image for published.
    """
    name = data.get("repositoryName", "")
    missing = [
        image
        for image in data.get("imageIds") or []
        if name in ecr._repositories and not ecr._find_image(name, image)
    ]
    if missing:
        return error_response_json(  # type: ignore[no-any-return]
            "ImageNotFoundException",
            f"The image with imageId {json.dumps(missing[0])} does not exist within the "
            f"repository with name '{name}' in the registry.",
            400,
        )
    return old(data)
