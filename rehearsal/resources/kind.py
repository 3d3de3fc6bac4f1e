"""What resources of all kinds have in common: how they are added, found, shown and listed."""

from collections.abc import Callable
from dataclasses import dataclass

from rehearsal import errors, service_model
from rehearsal.errors import ApiError, NotFound
from rehearsal.resources.context import Context, Record
from rehearsal.resources.paging import Listing
from rehearsal.service_model import now
from rehearsal.store import Resource


@dataclass(frozen=True)
class ResourceKind:
    """Resources of one kind. Texts have `{arn}` and `{name}` in them.

    Attributes:
        kind: as in ARNs and in the store, e.g. `endpoint-config`.
        member: what operations and members are named after, e.g. `EndpointConfig`.
        listing: how its List operation behaves.
        missing: what AWS says of one that is not there.
        duplicate: what AWS says of a name that is taken.
        missing_error: the error with which it says so.
        duplicate_error: that of `duplicate`.
        key: the suffix of the requests' member that names one.
    """

    kind: str
    member: str
    listing: Listing
    missing: str
    duplicate: str
    missing_error: Callable[[str], NotFound] = errors.missing
    duplicate_error: Callable[[str], ApiError] = errors.validation
    key: str = "Name"

    @property
    def name_member(self) -> str:
        """The requests' member that names a resource, e.g. `EndpointConfigName`."""
        return f"{self.member}{self.key}"

    def arn(self, context: Context, name: str) -> str:
        """The ARN of a name; an ARN is its own."""
        return name if name.startswith("arn:") else context.arn(f"{self.kind}/{name}")

    def create(self, context: Context, request: Record, more: Record) -> Record:
        """Keeps a new resource that is what its request says and `more`; returns its record.

        Raises:
            ApiError: there is one of that name.
        """
        name = request[self.name_member]
        arn = self.arn(context, name)
        time = now()
        record = {key: value for key, value in request.items() if key != "Tags"} | {
            f"{self.member}Arn": arn,
            "CreationTime": time,
            "LastModifiedTime": time,
            **more,
        }
        self.add(context, name, record, request.get("Tags"))
        return record

    def add(
        self,
        context: Context,
        name: str,
        record: Record,
        tags: list[dict[str, str]] | None = None,
        parent: str = "",
    ) -> None:
        """Keeps a new resource with its tags; its record has its ARN.

        Raises:
            ApiError: there is one of that name.
        """
        arn = record[f"{self.member}Arn"]
        with context.store.transaction():
            try:
                context.store.add(self.kind, name, arn, record, parent)
            except KeyError:
                raise self.duplicate_error(self.duplicate.format(name=name, arn=arn)) from None
            context.store.set_tags(arn, {tag["Key"]: tag["Value"] for tag in tags or []})

    def get(self, context: Context, name: str) -> Resource:
        """The resource of a name or ARN.

        Raises:
            ApiError: there is none; see `NotFound`.
        """
        is_arn = name.startswith("arn:")
        found = context.store.by_arn(name) if is_arn else context.store.get(self.kind, name)
        if found is None or found.kind != self.kind:
            raise self._missing(context, name)
        return found

    def all(self, context: Context, parent: str | None = None) -> list[Resource]:
        """All of them, or those of a parent, in order of creation."""
        return context.store.all(self.kind, parent)

    def change(
        self, context: Context, name: str, change: Callable[[Record], Record]
    ) -> tuple[Record, Record]:
        """Merges what `change` makes of a record into it, and returns it before and after.

        Args:
            name: or ARN.

        Raises:
            ApiError: there is none; see `NotFound`.
        """
        with context.store.transaction():
            changed = context.store.change(self.kind, self.get(context, name).name, change)
        if changed is None:
            raise self._missing(context, name)
        return changed

    def project(self, record: Record) -> Record:
        """A record as the Describe operation shows it."""
        shape = service_model.operation(f"Describe{self.member}").output_shape
        return service_model.project(shape.name, record) if shape else {}

    def describe(self, context: Context, request: Record) -> Record:
        """The Describe operation."""
        return self.project(self.get(context, request[self.name_member]).record)

    def delete(self, context: Context, request: Record) -> Record:
        """The Delete operation."""
        with context.store.transaction():
            found = self.get(context, request[self.name_member])
            context.store.delete(self.kind, found.name)
        return {}

    def list_all(self, context: Context, request: Record) -> Record:
        """The List operation."""
        return self.listing.answer(request, context.store.all(self.kind))

    def _missing(self, context: Context, name: str) -> NotFound:
        return self.missing_error(self.missing.format(name=name, arn=self.arn(context, name)))
