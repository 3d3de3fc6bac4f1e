"""The table of approvals: what SageMaker does not remember."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .attempts import Attempt
from .desired import Approval
from .errors import DeployerError
from .packages import version_in

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_GROUP, _VERSION, _PACKAGE = "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn"
_APPROVED, _FAILED = "Approved", "FailedApproval"
_BEFORE_THE_TABLE = datetime(1970, 1, 1, tzinfo=UTC)


class Approvals:
    """An item a model package of one group, with its newest approval and its newest failed one.

    A time is written only where it is later than the one that is there, in one conditional write,
    so that any number of functions may write at once and an old event changes nothing.
    """

    def __init__(self, client: "DynamoDBClient", table: str, group: str) -> None:
        self._client = client
        self._table = table
        self._group = group

    def approve(self, package: str, at: datetime) -> None:
        """Notes an approval, unless a later one is known.

        Raises:
            DeployerError: the package is none of the group.
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
            f"attribute_not_exists({_APPROVED}) OR {_APPROVED} < :at",
            {":at": {"S": _text(at)}, ":package": {"S": package}},
        )

    def adopt(self, package: str) -> None:
        """Notes a package of the group that serves and of whose approval nobody told, as one from
        before the table was there. A person may have deployed one of elsewhere: nothing is noted.
        """
        if version_in(self._group, package) is not None:
            self.approve(package, _BEFORE_THE_TABLE)

    def fail(self, attempt: Attempt) -> None:
        """Notes that the approval of a package ended in a rollback."""
        self._write(
            attempt.version,
            f"SET {_FAILED} = :at",
            f"attribute_exists({_PACKAGE}) "
            f"AND (attribute_not_exists({_FAILED}) OR {_FAILED} < :at)",
            {":at": {"S": _text(attempt.approved)}},
        )

    def all(self) -> list[Approval]:
        """All that was written, up to this moment."""
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            KeyConditionExpression=f"{_GROUP} = :group",
            ExpressionAttributeValues={":group": {"S": self._group}},
            ConsistentRead=True,
        )
        return [_approval(item) for page in pages for item in page["Items"]]

    def _write(self, version: int, update: str, condition: str, values: dict[str, Any]) -> None:
        try:
            self._client.update_item(
                TableName=self._table,
                Key={_GROUP: {"S": self._group}, _VERSION: {"N": str(version)}},
                UpdateExpression=update,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return


def _approval(item: dict[str, Any]) -> Approval:
    failed = item.get(_FAILED)
    return Approval(
        package=item[_PACKAGE]["S"],
        version=int(item[_VERSION]["N"]),
        approved=datetime.fromisoformat(item[_APPROVED]["S"]),
        failed=datetime.fromisoformat(failed["S"]) if failed else None,
    )


def _text(time: datetime) -> str:
    # One length and one zone: DynamoDB compares text letter by letter.
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
