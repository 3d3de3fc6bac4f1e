"""Model packages: versions of a group, or on their own."""

from collections.abc import Sequence

from rehearsal import service_model
from rehearsal.errors import ApiError, validation
from rehearsal.resources import model_package_groups
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now
from rehearsal.store import Resource

KIND = ResourceKind(
    "model-package",
    "ModelPackage",
    Listing(
        "ListModelPackages",
        name="ModelPackageName",
        equals={"ModelApprovalStatus": "ModelApprovalStatus"},
    ),
    missing="ModelPackage {arn} does not exist.",
    duplicate="Model package already exists: {arn}",
)
# What an event names as changed:
# https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
# Whether AWS names a field that is given its own value again is not said; here it does not, so
# that nothing relies on it.
_EVENT_FIELDS = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "SourceUri",
    "CustomerMetadataProperties",
    "InferenceSpecification",
    "ModelLifeCycle",
)


def _create_model_package(context: Context, request: Record) -> Record:
    group, name = request.get("ModelPackageGroupName"), request.get("ModelPackageName")
    if (group is None) == (name is None):
        raise validation("Give either ModelPackageGroupName or ModelPackageName, and not both.")
    if "InferenceSpecification" not in request and "SourceAlgorithmSpecification" not in request:
        raise validation("Give InferenceSpecification or SourceAlgorithmSpecification.")
    with context.store.transaction():
        record = _versioned(context, group) if group else _unversioned(context, str(name))
        arn = record["ModelPackageArn"]
        record |= {
            key: value
            for key, value in request.items()
            if key not in ("Tags", "ClientToken", "ModelPackageGroupName", "ModelPackageName")
        } | {
            "CreationTime": now(),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": []},
            "CertifyForMarketplace": request.get("CertifyForMarketplace", False),
        }
        group = record.get("ModelPackageGroupName", "")
        KIND.add(context, arn, record, request.get("Tags"), group)
    _send_event(context, record)
    return {"ModelPackageArn": arn}


def _versioned(context: Context, group: str) -> Record:
    found = model_package_groups.KIND.get(context, group)
    # A version is never given twice, though the newest be deleted.
    version = 1 + found.record.get("_LastVersion", 0)
    last = {"_LastVersion": version}
    model_package_groups.KIND.change(context, found.name, lambda _: last)
    return {
        "ModelPackageName": found.name,
        "ModelPackageGroupName": found.name,
        "ModelPackageVersion": version,
        "ModelPackageArn": KIND.arn(context, f"{found.name}/{version}"),
        # AWS's default for a version: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
        "ModelApprovalStatus": "PendingManualApproval",
    }


def _unversioned(context: Context, name: str) -> Record:
    return {"ModelPackageName": name, "ModelPackageArn": KIND.arn(context, name)}


def _describe_model_package(context: Context, request: Record) -> Record:
    return KIND.project(get(context, request["ModelPackageName"]))


def get(context: Context, name: str) -> Record:
    """The record of a package's name or ARN.

    Raises:
        ApiError: ValidationException, there is none.
    """
    return KIND.get(context, KIND.arn(context, name)).record


def _send_event(context: Context, package: Record, changed: Sequence[str] | None = None) -> None:
    """Sends the event of a new or changed package.

    Args:
        changed: the fields that an update changed; None for a new package.
    """
    detail = KIND.project(package)
    if changed is not None:
        # AWS writes this one with a small letter.
        names = ["sourceUri" if name == "SourceUri" else name for name in changed]
        detail["UpdatedModelPackageFields"] = names
    arn = package["ModelPackageArn"]
    context.events.send_description("SageMaker Model Package State Change", detail, arn)


def _update_model_package(context: Context, request: Record) -> Record:
    arn = request["ModelPackageArn"]
    before, after = KIND.change(context, arn, lambda record: _updated(record, request))
    fields = [name for name in _EVENT_FIELDS if before.get(name) != after.get(name)]
    _send_event(context, after, fields)
    return {"ModelPackageArn": arn}


def _updated(record: Record, request: Record) -> Record:
    replaced = {
        key: request[key]
        for key in (
            "ModelApprovalStatus",
            "ApprovalDescription",
            "ModelPackageRegistrationType",
            "InferenceSpecification",
            "SourceUri",
            "ModelCard",
            "ModelLifeCycle",
        )
        if key in request
    }
    # A change to None leaves the name with no value.
    properties = (record.get("CustomerMetadataProperties") or {}) | request.get(
        "CustomerMetadataProperties", {}
    )
    for key in request.get("CustomerMetadataPropertiesToRemove", []):
        properties.pop(key, None)
    added = request.get("AdditionalInferenceSpecificationsToAdd", [])
    specifications = (record.get("AdditionalInferenceSpecifications") or []) + added
    return replaced | {
        "CustomerMetadataProperties": properties or None,
        "AdditionalInferenceSpecifications": specifications or None,
        "LastModifiedTime": now(),
    }


def _delete_model_package(context: Context, request: Record) -> Record:
    with context.store.transaction():
        record = get(context, request["ModelPackageName"])
        context.store.delete(KIND.kind, record["ModelPackageArn"])
    return {}


def _list_model_packages(context: Context, request: Record) -> Record:
    group = request.get("ModelPackageGroupName")
    kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
    if group:
        packages = KIND.all(context, model_package_groups.KIND.get(context, group).name)
    else:
        packages = KIND.all(context)
    wanted = [package for package in packages if _is_of(package, kind)]
    return KIND.listing.answer(request, wanted)


def _is_of(package: Resource, kind: str) -> bool:
    return kind == "Both" or bool(package.parent) == (kind == "Versioned")


def _batch_describe_model_package(context: Context, request: Record) -> Record:
    found, errors = {}, {}
    for arn in request["ModelPackageArnList"]:
        try:
            record = get(context, arn)
        except ApiError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
        else:
            found[arn] = service_model.project("BatchDescribeModelPackageSummary", record)
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}


OPERATIONS: dict[str, Handler] = {
    "CreateModelPackage": _create_model_package,
    "DescribeModelPackage": _describe_model_package,
    "UpdateModelPackage": _update_model_package,
    "DeleteModelPackage": _delete_model_package,
    "ListModelPackages": _list_model_packages,
    "BatchDescribeModelPackage": _batch_describe_model_package,
}
