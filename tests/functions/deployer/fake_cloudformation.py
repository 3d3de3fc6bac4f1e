"""CloudFormation's one serving stack in memory, in the words of boto3's client, and its events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError, WaiterError

START = datetime(2026, 11, 25, tzinfo=UTC)


class TokenAlreadyExistsError(Exception):
    pass


class AlreadyExistsError(Exception):
    pass


class ChangeSetNotFoundError(Exception):
    pass


class FakeCloudFormation:
    """A stack whose parameter `ModelPackageArn` a test may change, as the deployer does.

    Attributes:
        bad: packages whose updates are rolled back.
        sent: events of the stack that nobody delivered yet.
        tried: the tokens of the updates, in order.
        fails_change_sets: whether their creation fails.
        lists_executed: whether ListChangeSets has what was executed: AWS says that it has the
            active ones.
        forgets_executed: whether what was executed is not there any more.
    """

    class exceptions:  # noqa: N801 - as boto3 has it
        TokenAlreadyExistsException = TokenAlreadyExistsError
        AlreadyExistsException = AlreadyExistsError
        ChangeSetNotFoundException = ChangeSetNotFoundError

    def __init__(self) -> None:
        self.bad: set[str] = set()
        self.sent: list[dict[str, Any]] = []
        self.tried: list[str | None] = []
        self.change_sets: dict[str, dict[str, Any]] = {}
        self.fails_change_sets = False
        self.lists_executed = True
        self.forgets_executed = False
        self.status = "CREATE_COMPLETE"
        self.serving = ""
        self._before = ""
        self._token: str | None = None
        self._executed: str | None = None
        self._executed_last: str | None = None
        self._updated = 0
        self._events: list[dict[str, Any]] = []

    @property
    def is_changing(self) -> bool:
        return self.status == "UPDATE_IN_PROGRESS"

    @property
    def waiting(self) -> set[str]:
        """The packages of the change sets that somebody could execute."""
        return {
            c["Package"] for c in self.change_sets.values() if c["ExecutionStatus"] == "AVAILABLE"
        }

    # What the deployer calls.

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        value = {"ParameterKey": "ModelPackageArn", "ParameterValue": self.serving}
        other = {"ParameterKey": "Other", "ParameterValue": "kept"}
        described: dict[str, Any] = {
            "StackName": StackName,
            "StackStatus": self.status,
            "CreationTime": START,
            "Parameters": [value, other],
        }
        if self._updated:
            described["LastUpdatedTime"] = START + timedelta(seconds=self._updated)
        if self._executed_last:
            described["ChangeSetId"] = f"arn:aws:…:changeSet/{self._executed_last}/0a1b"
        return {"Stacks": [described]}

    def update_stack(self, ClientRequestToken: str, **change: Any) -> None:
        package = self._package(change)
        if ClientRequestToken in self.tried:
            raise TokenAlreadyExistsError
        if self.is_changing:
            raise _refused("Stack:serving is in UPDATE_IN_PROGRESS state and can not be updated.")
        if package == self.serving:
            raise _refused("No updates are to be performed.")
        for change_set in self.change_sets.values():
            if change_set["ExecutionStatus"] == "AVAILABLE":
                change_set["ExecutionStatus"] = "OBSOLETE"
        self._begin(package, ClientRequestToken)

    def create_change_set(self, ChangeSetName: str, **change: Any) -> None:
        found = self.change_sets.get(ChangeSetName)
        if found and not (self.forgets_executed and _is_executed(found)):
            raise AlreadyExistsError
        self.change_sets[ChangeSetName] = {
            "ChangeSetName": ChangeSetName,
            "Status": "FAILED" if self.fails_change_sets else "CREATE_COMPLETE",
            "ExecutionStatus": "UNAVAILABLE" if self.fails_change_sets else "AVAILABLE",
            "Package": self._package(change),
        }

    def describe_change_set(self, StackName: str, ChangeSetName: str) -> dict[str, Any]:
        found = self.change_sets.get(ChangeSetName)
        if found is None or (self.forgets_executed and _is_executed(found)):
            raise ChangeSetNotFoundError
        return found

    def delete_change_set(self, StackName: str, ChangeSetName: str) -> None:
        self.change_sets.pop(ChangeSetName, None)

    def get_waiter(self, name: str) -> Any:
        fails = self.fails_change_sets

        class Waiter:
            def wait(self, **given: Any) -> None:
                if fails:
                    raise WaiterError(name, "it failed", {"StatusReason": "a hook said no"})

        return Waiter()

    def get_paginator(self, name: str) -> Any:
        pages = {
            "list_change_sets": lambda: [{"Summaries": self._listed()}],
            "describe_stack_events": lambda: [{"StackEvents": self._events[::-1]}],
        }

        class Paginator:
            def paginate(self, StackName: str) -> Any:
                return pages[name]()

        return Paginator()

    # What people, and CloudFormation itself, do.

    def execute(self, name: str, token: str | None = None) -> None:
        """As the console's button: the other change sets are gone."""
        change_set = self.change_sets[name]
        self.change_sets = {name: change_set}
        change_set["ExecutionStatus"] = "EXECUTE_IN_PROGRESS"
        self._executed = self._executed_last = name
        self._begin(change_set["Package"], token or f"Console-ExecuteChangeSet-{self._updated}")

    def update_stack_of_somebody_else(self) -> None:
        """An update from its beginning to its end, of something else than the package."""
        self._begin(self.serving, "somebody-else")
        self.finish()

    def finish(self) -> None:
        """Ends the update that runs, one way or the other."""
        failed = self.serving in self.bad
        if failed:
            self.serving = self._before
        if self._executed:
            executed = self.change_sets[self._executed]
            executed["ExecutionStatus"] = "EXECUTE_FAILED" if failed else "EXECUTE_COMPLETE"
            self._executed = None
        self._become("UPDATE_ROLLBACK_COMPLETE" if failed else "UPDATE_COMPLETE")

    def _listed(self) -> list[dict[str, Any]]:
        return [
            each
            for each in self.change_sets.values()
            if self.lists_executed or not _is_executed(each)
        ]

    def _begin(self, package: str, token: str) -> None:
        self._updated += 1
        self._before, self.serving, self._token = self.serving, package, token
        self.tried.append(token)
        self._become("UPDATE_IN_PROGRESS")

    def _become(self, status: str) -> None:
        self.status = status
        self._events.append(
            {
                "StackId": "serving",
                "PhysicalResourceId": "serving",
                "ResourceStatus": status,
                "ClientRequestToken": self._token,
            }
        )
        if not self.is_changing:
            self.sent.append(
                {
                    "detail-type": "CloudFormation Stack Status Change",
                    "time": "2026-11-25T00:00:00Z",
                    "detail": {
                        "stack-id": "serving",
                        "status-details": {"status": status},
                        "client-request-token": self._token,
                    },
                }
            )

    def _package(self, change: dict[str, Any]) -> str:
        assert change["UsePreviousTemplate"]
        assert change["Capabilities"] == ["CAPABILITY_IAM"]
        ours, other = change["Parameters"]
        assert other == {"ParameterKey": "Other", "UsePreviousValue": True}
        assert ours["ParameterKey"] == "ModelPackageArn"
        return str(ours["ParameterValue"])


def _is_executed(change_set: dict[str, Any]) -> bool:
    return str(change_set["ExecutionStatus"]).startswith("EXECUTE_")


def _refused(message: str) -> ClientError:
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "UpdateStack")
