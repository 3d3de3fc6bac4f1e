"""Approvals of model packages: heard of, remembered, and which of them is to serve."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NotRequired, Self, TypedDict

from boto3.dynamodb.conditions import Attr, ConditionBase
from botocore.exceptions import ClientError

from functions.shared import EventType

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table
    from mypy_boto3_sagemaker import SageMakerClient

_STATUS = "ModelApprovalStatus"
_GROUP, _VERSION, _PACKAGE = "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn"
_APPROVED, _FAILED = "Approved", "FailedApproval"
_ATTEMPT = re.compile(r"model-(?P<version>\d+)-(?P<approved>\d+)(-\d+)?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class DeployerError(Exception):
    """What needs a person, in one sentence: what is wrong, where, what to do."""


class Detail(TypedDict):
    """Of an event of SageMaker, as far as it is read."""

    ModelPackageArn: NotRequired[str]
    ModelApprovalStatus: NotRequired[str]
    UpdatedModelPackageFields: NotRequired[list[str]]


Event = TypedDict("Event", {"detail-type": str, "time": str, "detail": Detail})
"""Starts the function: a package has changed, or an update of the stack has ended.

That of the stack only wakes it: how an update ended is read from the stack itself.
https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""


def approved_package(event: Event) -> tuple[str, datetime] | None:
    """The package's ARN and when it was approved, where the event tells of an approval.

    A change of something else of an approved package is an event with the status Approved too, and
    no approval: UpdatedModelPackageFields tells them apart. A package that is registered as
    Approved has no such field.
    """
    detail = event["detail"]
    changed = detail.get("UpdatedModelPackageFields", [_STATUS])
    if (
        event["detail-type"] != EventType.MODEL_PACKAGE_CHANGED
        or detail.get(_STATUS) != "Approved"
        or _STATUS not in changed
    ):
        return None
    return detail["ModelPackageArn"], datetime.fromisoformat(event["time"])


def milliseconds(time: datetime) -> int:
    """Since 1970."""
    return (time - _EPOCH) // _MILLISECOND


@dataclass(frozen=True)
class Attempt:
    """One approval of one package of the group, being rolled out.

    Attributes:
        version: The package's number in its group.
        approved: When the package was approved, to the millisecond.
    """

    version: int
    approved: datetime

    @property
    def name(self) -> str:
        """`model-<version>-<milliseconds since 1970>`: the change set's, and the token's beginning.

        Nothing need be kept beside CloudFormation to know what an update was about.
        """
        return f"model-{self.version}-{milliseconds(self.approved)}"

    @classmethod
    def from_name(cls, name: str) -> "Attempt | None":
        """What a change set's name or a client request token says; None where it is not ours."""
        match = _ATTEMPT.fullmatch(name)
        if match is None:
            return None
        return cls(int(match["version"]), _EPOCH + int(match["approved"]) * _MILLISECOND)


@dataclass(frozen=True)
class Approval:
    """What is known of one package of the group.

    Attributes:
        package: Its ARN.
        approved: Its newest approval.
        failed: The newest of its approvals whose update was rolled back.
    """

    package: str
    version: int
    approved: datetime
    failed: datetime | None = None

    @property
    def attempt(self) -> Attempt:
        """To roll it out."""
        return Attempt(self.version, self.approved)

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """Reads an item, as boto3's resource gives it."""
        failed = item.get(_FAILED)
        return cls(
            package=item[_PACKAGE],
            version=int(item[_VERSION]),
            approved=datetime.fromisoformat(item[_APPROVED]),
            failed=datetime.fromisoformat(failed) if failed else None,
        )


def desired(approvals: Iterable[Approval], is_approved: Callable[[str], bool]) -> Approval | None:
    """The package that was approved last, is still approved, and has not failed since.

    Both times only ever grow, so the answer depends on which events were heard and not on their
    order. Of two approvals in one second, the finest that an event tells, the higher version is
    the later.

    Args:
        is_approved: Asked of one package after another, the most likely first.
    """
    standing = (a for a in approvals if a.failed is None or a.failed < a.approved)
    newest_first = sorted(standing, key=lambda a: (a.approved, a.version), reverse=True)
    return next((a for a in newest_first if is_approved(a.package)), None)


def version_in(group: str, package: str) -> int | None:
    """The number of a package in a group; None where it is of another group or of none."""
    # Some of SageMaker's ARNs have the name in lower case.
    prefix, _, number = package.rpartition("/")
    if prefix.lower().endswith(f":model-package/{group.lower()}") and number.isdecimal():
        return int(number)
    return None


class Packages:
    """Model packages as SageMaker has them now."""

    def __init__(self, client: "SageMakerClient") -> None:
        self._client = client

    def is_approved(self, package: str) -> bool:
        """False too where the package was deleted."""
        try:
            described = self._client.describe_model_package(ModelPackageName=package)
        except ClientError as error:
            # SageMaker has no error code of its own for a package that is not there.
            if "does not exist" not in str(error):
                raise
            return False
        return described.get("ModelApprovalStatus") == "Approved"


class Approvals:
    """The table of approvals: what SageMaker does not remember.

    An item a model package of one group, with its newest approval and its newest failed one. A time
    is written only where it is later than the one that is there, in one conditional write, so that
    any number of functions may write at once and an old event changes nothing.
    """

    def __init__(self, table: "Table", group: str) -> None:
        self._table = table
        self._group = group

    def approve(self, package: str, at: datetime) -> None:
        """Notes an approval, unless a later one is known.

        Raises:
            DeployerError: The package is none of the group.
        """
        version = version_in(self._group, package)
        if version is None:
            raise DeployerError(
                f"{package} is no version of the model package group {self._group}: approve one "
                "that the pipeline registered."
            )
        self._write(
            version,
            f"SET {_APPROVED} = :at, {_PACKAGE} = :package",
            {":at": _to_text(at), ":package": package},
            Attr(_APPROVED).not_exists() | Attr(_APPROVED).lt(_to_text(at)),
        )

    def adopt(self, package: str) -> None:
        """Notes a package of the group that serves and of whose approval nobody told.

        It is noted as one from before the table was there. A person may have deployed one of
        elsewhere: nothing is noted.
        """
        if version_in(self._group, package) is not None:
            self.approve(package, _EPOCH)

    def fail(self, attempt: Attempt) -> None:
        """Notes that the approval of a package ended in a rollback."""
        at = _to_text(attempt.approved)
        is_later = Attr(_FAILED).not_exists() | Attr(_FAILED).lt(at)
        self._write(
            attempt.version,
            f"SET {_FAILED} = :at",
            {":at": at},
            Attr(_PACKAGE).exists() & is_later,
        )

    def all(self) -> list[Approval]:
        """All that was written, up to this moment."""
        pages = self._table.meta.client.get_paginator("query").paginate(
            TableName=self._table.name,
            KeyConditionExpression=f"{_GROUP} = :group",
            ExpressionAttributeValues={":group": self._group},
            ConsistentRead=True,
        )
        return [Approval.from_item(item) for page in pages for item in page["Items"]]

    def _write(
        self, version: int, update: str, values: dict[str, Any], condition: ConditionBase
    ) -> None:
        try:
            self._table.update_item(
                Key={_GROUP: self._group, _VERSION: version},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except self._table.meta.client.exceptions.ConditionalCheckFailedException:
            return


def _to_text(time: datetime) -> str:
    # One length and one zone: DynamoDB compares text letter by letter.
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
