"""Drops and runs as DynamoDB's items."""

import re
from datetime import UTC, datetime
from typing import Any

from .records import Drop, Run

ENDED = frozenset({"Succeeded", "Failed", "Stopped"})
_ATTRIBUTES = {
    "#id": "Id",
    "#state": "State",
    "#since": "Since",
    "#open": "Open",
    "#generation": "Generation",
    "#sequencer": "Sequencer",
    "#etag": "ETag",
    "#version": "VersionId",
    "#size": "MarkerBytes",
    "#reason": "Reason",
    "#run": "Run",
    "#run_modified": "RunModified",
    "#arn": "PipelineExecutionArn",
    "#status": "Status",
    "#modified": "Modified",
    "#filed": "Filed",
    "#package": "ModelPackageArn",
    "#by": "By",
    "#at": "At",
}


def names_in(expressions: str) -> dict[str, str]:
    """Attributes that expressions refer to; DynamoDB refuses names that none uses."""
    return {name: _ATTRIBUTES[name] for name in re.findall(r"#\w+", expressions)}


def drop(item: dict[str, Any]) -> Drop:
    return Drop(
        id=item["Id"]["S"],
        state=item["State"]["S"],
        since=datetime.fromisoformat(item["Since"]["S"]),
        generation=int(item["Generation"]["N"]),
    )


def run(item: dict[str, Any]) -> Run:
    return Run(
        number=int(item["Id"]["S"]),
        drop_id=item["DropId"]["S"],
        drops={name: int(generation["N"]) for name, generation in item["Drops"]["M"].items()},
        token=item["Token"]["S"],
        created=datetime.fromisoformat(item["Created"]["S"]),
        status=item["Status"]["S"],
        execution_arn=item["PipelineExecutionArn"]["S"],
        released_by=item["ReleasedBy"]["S"],
        modified=item["Modified"]["S"],
        filed=item.get("Filed", {}).get("S"),
        reason=item["Reason"]["S"],
        model_package_arn=item["ModelPackageArn"]["S"],
    )


def of_run(run: Run) -> dict[str, Any]:
    """A new run's attributes but for its keys."""
    covered = {name: {"N": str(generation)} for name, generation in run.drops.items()}
    strings = {
        "DropId": run.drop_id,
        "Token": run.token,
        "Created": text(run.created),
        "Open": text(run.created),
        "Status": run.status,
        "PipelineExecutionArn": run.execution_arn,
        "ReleasedBy": run.released_by,
        "Modified": run.modified,
        "Reason": run.reason,
        "ModelPackageArn": run.model_package_arn,
    }
    return {"Drops": {"M": covered}} | {name: {"S": value} for name, value in strings.items()}


def text(time: datetime) -> str:
    # One length and one zone: DynamoDB compares text letter by letter.
    return time.astimezone(UTC).isoformat(timespec="microseconds")
