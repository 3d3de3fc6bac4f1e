"""The serving stack as CloudFormation has it."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, TypedDict

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import ParameterTypeDef

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
_UPDATABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_COMPLETE",
    }
)
# Between our look and our call somebody else's update may have begun.
_IS_CHANGING = re.compile(r"is in \w+_IN_PROGRESS state")


class Change(TypedDict):
    """What UpdateStack and CreateChangeSet are both given to serve another package."""

    StackName: str
    UsePreviousTemplate: Literal[True]
    Parameters: "list[ParameterTypeDef]"
    # The stack has roles; that is to be acknowledged even when the template stays.
    Capabilities: list[Literal["CAPABILITY_IAM"]]


@dataclass(frozen=True)
class State:
    """The stack at one moment.

    Attributes:
        serving: ARN of the package in its parameter; empty where there is none.
        updated: when its last operation began.
        other_parameters: names of the parameters that stay as they are.
        change_set: name of the one that was executed last; None where none was.
    """

    status: str
    serving: str
    updated: datetime
    other_parameters: tuple[str, ...] = ()
    change_set: str | None = None

    @property
    def is_changing(self) -> bool:
        """Whether something is under way, which has to end first."""
        return self.status.endswith("IN_PROGRESS")

    @property
    def is_rolled_back(self) -> bool:
        """Whether the last update was rolled back."""
        return self.status.startswith("UPDATE_ROLLBACK")

    @property
    def is_updatable(self) -> bool:
        """Whether an update can begin."""
        return self.status in _UPDATABLE


class Stack:
    """The stack to change, and the parameter that holds the model package's ARN."""

    def __init__(self, client: "CloudFormationClient", name: str, parameter: str) -> None:
        self.client = client
        self.name = name
        self._parameter = parameter

    def state(self) -> State:
        """How it is now."""
        described = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        values = {
            parameter["ParameterKey"]: parameter.get("ParameterValue", "")
            for parameter in described.get("Parameters", [])
        }
        return State(
            status=described["StackStatus"],
            serving=values.pop(self._parameter, ""),
            updated=described.get("LastUpdatedTime", described["CreationTime"]),
            other_parameters=tuple(values),
            # arn:aws:cloudformation:<region>:<account>:changeSet/<name>/<id>
            change_set=described["ChangeSetId"].split("/")[1]
            if described.get("ChangeSetId")
            else None,
        )

    def rolled_back(self) -> set[str]:
        """Client request tokens of the newest updates that were rolled back, at least of the very
        newest one.

        The token is that of the update's beginning: a rollback, a cancellation or a rollback that
        is continued may have another one.
        """
        tokens, ends_badly, began = set[str](), False, False
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=self.name)
        for page in pages:
            for event in page["StackEvents"]:  # newest first
                status = event.get("ResourceStatus", "")
                if event.get("PhysicalResourceId") != event["StackId"]:
                    continue
                if status == "UPDATE_IN_PROGRESS":
                    if ends_badly:
                        tokens.add(event.get("ClientRequestToken", ""))
                    ends_badly, began = False, True
                elif status.startswith("UPDATE_ROLLBACK"):
                    ends_badly = True
            if began:
                break
        return tokens

    def change(self, state: State, package: str) -> Change:
        """The arguments that serve a package, with all else as it is."""
        others: list[ParameterTypeDef] = [
            {"ParameterKey": name, "UsePreviousValue": True} for name in state.other_parameters
        ]
        return Change(
            StackName=self.name,
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": self._parameter, "ParameterValue": package},
                *others,
            ],
            Capabilities=["CAPABILITY_IAM"],
        )


def says_changing(error: ClientError) -> bool:
    """Whether a call was refused as the stack is being changed."""
    return _IS_CHANGING.search(str(error)) is not None
