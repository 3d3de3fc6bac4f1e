"""Groups of model packages."""

from __future__ import annotations

import json

from rehearsal import service_model
from rehearsal.errors import conflict, missing, validation
from rehearsal.resources.context import Context, Handler, New, Record
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now
from rehearsal.store import Resource

KIND = "model-package-group"
_LISTING = Listing(
    output="ModelPackageGroupSummaryList",
    summary="ModelPackageGroupSummary",
    name="ModelPackageGroupName",
)


def create_model_package_group(context: Context, request: Record) -> Record:
    name = request["ModelPackageGroupName"]
    arn = context.arn(f"{KIND}/{name}")
    record = {key: value for key, value in request.items() if key != "Tags"} | {
        "ModelPackageGroupArn": arn,
        "CreationTime": now(),
        "CreatedBy": {},
        "ModelPackageGroupStatus": "Completed",
    }
    context.add(
        New(KIND, name, arn, record),
        tags=request.get("Tags"),
        duplicate=validation(f"Model Package Group already exists: {arn}"),
    )
    return {"ModelPackageGroupArn": arn}


def describe_model_package_group(context: Context, request: Record) -> Record:
    found = get(context, request["ModelPackageGroupName"])
    return service_model.project("DescribeModelPackageGroupOutput", found.record)


def get(context: Context, name_or_arn: str) -> Resource:
    """The group of a name or ARN.

    Raises:
        ApiError: ValidationException, there is none.
    """
    arn = name_or_arn if name_or_arn.startswith("arn:") else context.arn(f"{KIND}/{name_or_arn}")
    return context.get(KIND, arn, missing(f"ModelPackageGroup {arn} does not exist."))


def delete_model_package_group(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = get(context, request["ModelPackageGroupName"])
        packages = len(context.store.all("model-package", found.name))
        if packages:
            raise conflict(
                f"The model package group {found.arn} holds {packages} model packages: delete "
                "them first."
            )
        context.store.delete(KIND, found.name)
    return {}


def list_model_package_groups(context: Context, request: Record) -> Record:
    return _LISTING.answer(request, context.store.all(KIND))


def put_model_package_group_policy(context: Context, request: Record) -> Record:
    """Keeps the policy; there is one account here, in which a group's policy decides nothing."""
    found = get(context, request["ModelPackageGroupName"])
    try:
        json.loads(request["ResourcePolicy"])
    except ValueError as error:
        raise validation(f"The resource policy of {found.arn} is no JSON: {error}.") from error
    policy = {"ResourcePolicy": request["ResourcePolicy"]}
    context.store.change(KIND, found.name, lambda record: record | policy)
    return {"ModelPackageGroupArn": found.arn}


def get_model_package_group_policy(context: Context, request: Record) -> Record:
    found = get(context, request["ModelPackageGroupName"])
    if not found.record.get("ResourcePolicy"):
        raise validation(f"The model package group {found.arn} has no resource policy.")
    return {"ResourcePolicy": found.record["ResourcePolicy"]}


def delete_model_package_group_policy(context: Context, request: Record) -> Record:
    found = get(context, request["ModelPackageGroupName"])
    context.store.change(KIND, found.name, lambda record: record | {"ResourcePolicy": ""})
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateModelPackageGroup": create_model_package_group,
    "DescribeModelPackageGroup": describe_model_package_group,
    "DeleteModelPackageGroup": delete_model_package_group,
    "PutModelPackageGroupPolicy": put_model_package_group_policy,
    "DeleteModelPackageGroupPolicy": delete_model_package_group_policy,
    "GetModelPackageGroupPolicy": get_model_package_group_policy,
    "ListModelPackageGroups": list_model_package_groups,
}
