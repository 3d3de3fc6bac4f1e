"""What a CloudFormation resource type is to the rehearsal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from rehearsal.backends import Call

Properties = dict[str, Any]


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
    """

    type_name: ClassVar[str]
    """e.g. `AWS::SageMaker::Model`."""
    name_property: ClassVar[str]
    """The property that names the resource; CloudFormation makes a name where it is not given."""
    replacing: ClassVar[tuple[str, ...]]
    """Properties whose change needs a new resource."""
    service: ClassVar[str] = "SageMaker"
    """Who refuses, in the reason that a stack's event gives."""
    takes_tags: ClassVar[bool] = True
    """Whether a stack's tags come to it in its property `Tags`, a list."""

    def __init__(self, call: Call) -> None:
        self._call = call

    @abstractmethod
    def create(self, name: str, properties: Properties) -> Provisioned:
        """Raises:
        ApiError: SageMaker refuses, or the resource does not come up.
        """

    @abstractmethod
    def update(self, physical_id: str, old: Properties, new: Properties) -> Provisioned:
        """Changes in place; none of `replacing` differs.

        Raises:
            ApiError: SageMaker refuses, or the change does not come up; the resource is as before
                then.
        """

    @abstractmethod
    def delete(self, physical_id: str) -> None:
        """One that is gone already is no error.

        Raises:
            ApiError: SageMaker refuses.
        """
