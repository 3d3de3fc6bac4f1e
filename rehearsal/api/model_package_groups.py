"""Groups of model packages."""

from __future__ import annotations

from rehearsal.api import shapes
from rehearsal.api.context import Context, Handler, New, Record, now
from rehearsal.api.paging import Listing
from rehearsal.api.store import Resource
from rehearsal.errors import conflict, validation

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
    return shapes.project("DescribeModelPackageGroupOutput", found.record)


def get(context: Context, name_or_arn: str) -> Resource:
    """The group of a name or ARN.

    :raises ApiError: ValidationException, there is none.
    """
    arn = name_or_arn if name_or_arn.startswith("arn:") else context.arn(f"{KIND}/{name_or_arn}")
    return context.get(KIND, arn, validation(f"ModelPackageGroup {arn} does not exist."))


def delete_model_package_group(context: Context, request: Record) -> Record:
    found = get(context, request["ModelPackageGroupName"])
    with context.store.transaction():
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


OPERATIONS: dict[str, Handler] = {
    "CreateModelPackageGroup": create_model_package_group,
    "DescribeModelPackageGroup": describe_model_package_group,
    "DeleteModelPackageGroup": delete_model_package_group,
    "ListModelPackageGroups": list_model_package_groups,
}
