"""What is read of the two events that start the function.

That of the stack only wakes it: how an update ended is read from the stack itself.
"""

from datetime import datetime
from typing import NotRequired, TypedDict

_MODEL_PACKAGE = "SageMaker Model Package State Change"
_STATUS = "ModelApprovalStatus"


class Detail(TypedDict):
    ModelPackageArn: NotRequired[str]
    ModelApprovalStatus: NotRequired[str]
    UpdatedModelPackageFields: NotRequired[list[str]]


Event = TypedDict("Event", {"detail-type": str, "time": str, "detail": Detail})
"""https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html and
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/event-detail-stack-status-change.html
"""


def approval(event: Event) -> tuple[str, datetime] | None:
    """The package's ARN and when it was approved, where the event tells of an approval.

    A change of something else of an approved package is an event with the status Approved too, and
    no approval: UpdatedModelPackageFields tells them apart. A package that is registered as
    Approved has no such field.
    """
    detail = event["detail"]
    changed = detail.get("UpdatedModelPackageFields", [_STATUS])
    if (
        event["detail-type"] != _MODEL_PACKAGE
        or detail.get(_STATUS) != "Approved"
        or _STATUS not in changed
    ):
        return None
    return detail["ModelPackageArn"], datetime.fromisoformat(event["time"])
