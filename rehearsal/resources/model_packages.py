"""Model packages: versions of a group, or on their own."""

from __future__ import annotations

from rehearsal import service_model
from rehearsal.errors import ApiError, missing, validation
from rehearsal.resources import model_package_groups
from rehearsal.resources.context import Context, Handler, New, Record
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now
from rehearsal.store import Resource

KIND = "model-package"
# What an event names as changed:
# https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html
# Whether AWS names a field that is given its own value again is not said; here it does not, so
# that nothing relies on it.
_TOLD = (
    "ModelApprovalStatus",
    "ApprovalDescription",
    "SourceUri",
    "CustomerMetadataProperties",
    "InferenceSpecification",
    "ModelLifeCycle",
)
_LISTING = Listing(
    output="ModelPackageSummaryList",
    summary="ModelPackageSummary",
    name="ModelPackageName",
    equals={"ModelApprovalStatus": "ModelApprovalStatus"},
)


def create_model_package(context: Context, request: Record) -> Record:
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
        context.add(
            New(KIND, arn, arn, record, record.get("ModelPackageGroupName", "")),
            tags=request.get("Tags"),
            duplicate=validation(f"Model package already exists: {arn}"),
        )
    context.events.model_package(record)
    return {"ModelPackageArn": arn}


def _versioned(context: Context, group: str) -> Record:
    found = model_package_groups.get(context, group)
    # A version is never given twice, though the newest be deleted.
    version = 1 + found.record.get("_LastVersion", 0)
    context.store.change(model_package_groups.KIND, found.name, lambda _: {"_LastVersion": version})
    return {
        "ModelPackageName": found.name,
        "ModelPackageGroupName": found.name,
        "ModelPackageVersion": version,
        "ModelPackageArn": context.arn(f"{KIND}/{found.name}/{version}"),
        # AWS's default for a version: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
        "ModelApprovalStatus": "PendingManualApproval",
    }


def _unversioned(context: Context, name: str) -> Record:
    return {"ModelPackageName": name, "ModelPackageArn": context.arn(f"{KIND}/{name}")}


def describe_model_package(context: Context, request: Record) -> Record:
    return service_model.project(
        "DescribeModelPackageOutput", get(context, request["ModelPackageName"])
    )


def get(context: Context, name_or_arn: str) -> Record:
    """The record of a package.

    Raises:
        ApiError: ValidationException, there is none.
    """
    arn = name_or_arn if name_or_arn.startswith("arn:") else context.arn(f"{KIND}/{name_or_arn}")
    return context.get(KIND, arn, _missing(arn)).record


def update_model_package(context: Context, request: Record) -> Record:
    arn = get(context, request["ModelPackageArn"])["ModelPackageArn"]
    changed = context.store.change(KIND, arn, lambda record: _updated(record, request))
    if changed is None:
        raise _missing(arn)
    before, after = changed
    fields = [name for name in _TOLD if before.get(name) != after.get(name)]
    context.events.model_package(after, fields)
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


def delete_model_package(context: Context, request: Record) -> Record:
    with context.store.transaction():
        record = get(context, request["ModelPackageName"])
        context.store.delete(KIND, record["ModelPackageArn"])
    return {}


def list_model_packages(context: Context, request: Record) -> Record:
    group = request.get("ModelPackageGroupName")
    kind = request.get("ModelPackageType", "Versioned" if group else "Unversioned")
    if group:
        packages = context.store.all(KIND, model_package_groups.get(context, group).name)
    else:
        packages = context.store.all(KIND)
    wanted = [package for package in packages if _is_of(package, kind)]
    return _LISTING.answer(request, wanted)


def _is_of(package: Resource, kind: str) -> bool:
    return kind == "Both" or bool(package.parent) == (kind == "Versioned")


def batch_describe_model_package(context: Context, request: Record) -> Record:
    found, errors = {}, {}
    for arn in request["ModelPackageArnList"]:
        try:
            record = get(context, arn)
        except ApiError as error:
            errors[arn] = {"ErrorCode": error.code, "ErrorResponse": error.message}
        else:
            found[arn] = service_model.project("BatchDescribeModelPackageSummary", record)
    return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": errors}


def _missing(arn: str) -> ApiError:
    return missing(f"ModelPackage {arn} does not exist.")


OPERATIONS: dict[str, Handler] = {
    "CreateModelPackage": create_model_package,
    "DescribeModelPackage": describe_model_package,
    "UpdateModelPackage": update_model_package,
    "DeleteModelPackage": delete_model_package,
    "ListModelPackages": list_model_packages,
    "BatchDescribeModelPackage": batch_describe_model_package,
}
