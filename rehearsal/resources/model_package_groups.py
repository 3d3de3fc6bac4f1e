"""Groups of model packages.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-sagemaker-modelpackagegroup.html
"""

import json

from rehearsal.cloudformation import Properties, Provisioned, SageMakerType, retag, without
from rehearsal.errors import conflict, validation
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.kind import ResourceKind
from rehearsal.resources.paging import Listing

KIND = ResourceKind(
    "model-package-group",
    "ModelPackageGroup",
    Listing("ListModelPackageGroups", name="ModelPackageGroupName"),
    missing="ModelPackageGroup {arn} does not exist.",
    duplicate="Model Package Group already exists: {arn}",
)
_POLICY = "ModelPackageGroupPolicy"


class ModelPackageGroup(SageMakerType):
    """`AWS::SageMaker::ModelPackageGroup`, with its policy."""

    replacing = ("ModelPackageGroupName", "ModelPackageGroupDescription")

    def create(self, name: str, properties: Properties) -> Provisioned:
        """As `ResourceType.create`."""
        group = super().create(name, without(properties, _POLICY))
        self._put_policy(name, properties)
        return group

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """As `ResourceType.update`."""
        retag(self._call, physical_id, old, new)
        if old.get(_POLICY) != new.get(_POLICY):
            self._put_policy(physical_id, new)
        return self._provisioned(physical_id)

    def _put_policy(self, physical_id: str, properties: Properties) -> None:
        named = self._named(physical_id)
        if policy := properties.get(_POLICY):
            text = json.dumps(policy)
            self._call("PutModelPackageGroupPolicy", named | {"ResourcePolicy": text})
        else:
            self._call("DeleteModelPackageGroupPolicy", named)

    def _provisioned(self, arn: str) -> Provisioned:
        group = self._call("DescribeModelPackageGroup", self._named(arn))
        attributes = {
            "ModelPackageGroupArn": arn,
            "ModelPackageGroupStatus": group["ModelPackageGroupStatus"],
            "CreationTime": group["CreationTime"].isoformat(),
        }
        return Provisioned(arn, attributes)


def _create_model_package_group(context: Context, request: Record) -> Record:
    more = {"CreatedBy": {}, "ModelPackageGroupStatus": "Completed"}
    record = KIND.create(context, request, more)
    return {"ModelPackageGroupArn": record["ModelPackageGroupArn"]}


def _delete_model_package_group(context: Context, request: Record) -> Record:
    with context.store.transaction():
        found = KIND.get(context, request["ModelPackageGroupName"])
        packages = len(context.store.all("model-package", found.name))
        if packages:
            raise conflict(
                f"The model package group {found.arn} holds {packages} model packages: delete "
                "them first."
            )
        return KIND.delete(context, request)


def _put_model_package_group_policy(context: Context, request: Record) -> Record:
    """Keeps the policy; there is one account here, in which a group's policy decides nothing."""
    found = KIND.get(context, request["ModelPackageGroupName"])
    try:
        json.loads(request["ResourcePolicy"])
    except ValueError as error:
        raise validation(f"The resource policy of {found.arn} is no JSON: {error}.") from error
    policy = {"ResourcePolicy": request["ResourcePolicy"]}
    KIND.change(context, found.name, lambda record: record | policy)
    return {"ModelPackageGroupArn": found.arn}


def _get_model_package_group_policy(context: Context, request: Record) -> Record:
    found = KIND.get(context, request["ModelPackageGroupName"])
    if not found.record.get("ResourcePolicy"):
        raise validation(f"The model package group {found.arn} has no resource policy.")
    return {"ResourcePolicy": found.record["ResourcePolicy"]}


def _delete_model_package_group_policy(context: Context, request: Record) -> Record:
    found = KIND.get(context, request["ModelPackageGroupName"])
    KIND.change(context, found.name, lambda record: record | {"ResourcePolicy": ""})
    return {}


OPERATIONS: dict[str, Handler] = {
    "CreateModelPackageGroup": _create_model_package_group,
    "DescribeModelPackageGroup": KIND.describe,
    "DeleteModelPackageGroup": _delete_model_package_group,
    "PutModelPackageGroupPolicy": _put_model_package_group_policy,
    "DeleteModelPackageGroupPolicy": _delete_model_package_group_policy,
    "GetModelPackageGroupPolicy": _get_model_package_group_policy,
    "ListModelPackageGroups": KIND.list_all,
}
