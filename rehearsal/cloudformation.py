"""What a CloudFormation resource type is to the rehearsal, and what SageMaker's types share."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from botocore.model import Shape, StructureShape

from rehearsal import service_model
from rehearsal.backends import Call
from rehearsal.errors import NotFound, validation

RECORDED_ONLY = (
    "AWS::Budgets::Budget",
    "AWS::EC2::FlowLog",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
)
"""Types that MiniStack lacks and the rehearsal does nothing for: a stack with one deploys, and the
log says that the resource is recorded only.
"""

Properties = dict[str, Any]

_READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text.lower()],
}


@dataclass(frozen=True)
class Provisioned:
    """A resource that exists.

    Attributes:
        physical_id: what `Ref` gives.
        attributes: what `Fn::GetAtt` gives, by attribute.
    """

    physical_id: str
    attributes: dict[str, Any]


class ResourceType(ABC):
    """One type. Each method returns when the resource is ready, so it may take minutes.

    A failed `create` leaves nothing behind: CloudFormation has no physical id to delete yet.

    Attributes:
        type_name: e.g. `AWS::SageMaker::Model`.
        name_property: names the resource; CloudFormation makes a name where it is not given.
        replacing: properties whose change needs a new resource.
        service: who refuses, in the reason that a stack's event gives.
        service_name: botocore's name of that service.
        takes_tags: whether a stack's tags come to it in its property `Tags`, a list.
    """

    type_name: ClassVar[str]
    name_property: ClassVar[str]
    replacing: ClassVar[tuple[str, ...]]
    service: ClassVar[str] = "SageMaker"
    service_name: ClassVar[str] = "sagemaker"
    takes_tags: ClassVar[bool] = True

    def __init__(self, call: Call) -> None:
        self._call = call

    @abstractmethod
    def create(self, name: str, properties: Properties) -> Provisioned:
        """Makes a resource.

        Raises:
            ApiError: the service refuses, or the resource does not come up.
        """

    @abstractmethod
    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """Changes in place; none of `replacing` differs.

        Raises:
            ApiError: the service refuses, or the change does not come up; the resource is as before
                then.
        """

    @abstractmethod
    def delete(self, physical_id: str) -> None:
        """Deletes a resource; one that is gone already is no error.

        Raises:
            ApiError: the service refuses.
        """

    def _request(self, operation: str, properties: Properties) -> dict[str, Any]:
        """The response of an operation to the properties; see `to_request`."""
        shape = service_model.operation(operation, self.service_name).input_shape
        return self._call(operation, to_request(shape, self.type_name, properties))


class SageMakerType(ResourceType):
    """A type whose `Ref` is an ARN; unless it says otherwise, an update changes its tags alone.

    Type, operations and members are named after its class.

    Attributes:
        resource: that name, e.g. `Model`.
    """

    resource: ClassVar[str]

    def __init_subclass__(cls) -> None:
        cls.resource = cls.__name__
        cls.type_name = f"AWS::SageMaker::{cls.resource}"
        cls.name_property = f"{cls.resource}Name"

    def create(self, name: str, properties: Properties) -> Provisioned:
        """As `ResourceType.create`."""
        named = properties | {self.name_property: name}
        return self._provisioned(
            self._request(f"Create{self.resource}", named)[f"{self.resource}Arn"]
        )

    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """As `ResourceType.update`."""
        retag(self._call, physical_id, old, new)
        return self._provisioned(physical_id)

    def delete(self, physical_id: str) -> None:
        """As `ResourceType.delete`."""
        with contextlib.suppress(NotFound):
            self._call(f"Delete{self.resource}", self._named(physical_id))

    def _named(self, physical_id: str) -> dict[str, Any]:
        return {self.name_property: physical_id.rpartition("/")[2]}

    def _provisioned(self, arn: str) -> Provisioned:
        return Provisioned(arn, self._named(arn) | {f"{self.resource}Arn": arn})


def to_request(shape: Shape | None, type_name: str, properties: Properties) -> dict[str, Any]:
    """The properties as a request, texts made the numbers and booleans that the API wants: a
    template's parameters are all text.

    Raises:
        ApiError: ValidationException, the operation has no such member.
    """
    assert isinstance(shape, StructureShape)  # noqa: S101 - a programming error, no input
    unknown = sorted(properties.keys() - shape.members.keys())
    if unknown:
        raise validation(f"{type_name} has no property {', '.join(unknown)} in the rehearsal.")
    request: dict[str, Any] = service_model.convert(shape, properties, _scalar)
    return request


def _scalar(shape: Shape, value: Any) -> Any:
    if shape.type_name == "string" and isinstance(value, bool):
        return str(value).lower()
    if shape.type_name == "string" and isinstance(value, int | float):
        return str(value)
    read = _READERS.get(shape.type_name)
    if read is None or not isinstance(value, str):
        return value
    try:
        return read(value)
    except (ValueError, KeyError):
        return value  # The API's validation says what is wrong with it.


def retag(call: Call, arn: str, old: Properties, new: Properties) -> None:
    """Brings a resource's tags from the old properties to the new."""
    before, after = _tags(old), _tags(new)
    gone = [key for key in before if key not in after]
    added = [{"Key": key, "Value": value} for key, value in after.items()]
    if gone:
        call("DeleteTags", {"ResourceArn": arn, "TagKeys": gone})
    if before != after and added:
        call("AddTags", {"ResourceArn": arn, "Tags": added})


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or []}


def without(properties: Properties, *names: str) -> Properties:
    """The other properties."""
    return {key: value for key, value in properties.items() if key not in names}
