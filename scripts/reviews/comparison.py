"""Both sides, and what is worked out once for all parts of a review."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from scripts.reviews.impacts import Impact, impacts
from scripts.reviews.names import Names
from scripts.reviews.plain import Plain
from scripts.reviews.stacks import Resource, Stacks


@dataclass(frozen=True)
class Comparison:
    """An environment before and after.

    Attributes:
        environment: its name, e.g. `dev` or `dev-anna`.
        region: whose prices count; None for the price table's own.
    """

    environment: str
    before: Stacks
    after: Stacks
    region: str | None = None

    @cached_property
    def names(self) -> Names:
        return Names(self.before, self.after)

    @cached_property
    def plain_before(self) -> Plain:
        return Plain(self.before, self.names)

    @cached_property
    def plain_after(self) -> Plain:
        return Plain(self.after, self.names)

    @cached_property
    def impacts(self) -> dict[tuple[str, str], Impact]:
        return impacts(self.before, self.after)

    @cached_property
    def pairs(self) -> list[tuple[Resource | None, Resource | None]]:
        """Every resource of either side, by unit and logical id."""
        old, new = self.before.by_id(), self.after.by_id()
        return [(old.get(key), new.get(key)) for key in sorted({**old, **new})]

    def properties(self, resource: Resource, *, is_before: bool) -> dict[str, Any]:
        """Properties without CloudFormation's functions."""
        plain = self.plain_before if is_before else self.plain_after
        made: dict[str, Any] = plain.value(resource.unit, dict(resource.properties))
        return made
