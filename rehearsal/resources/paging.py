"""What all List operations share: filters, order, pages."""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from operator import itemgetter
from typing import Any, TypeVar

from botocore.model import ListShape, StructureShape

from rehearsal import service_model
from rehearsal.errors import validation
from rehearsal.store import Resource

_PAGE = 100
_CREATED = "CreationTime"
_NO_FILTERS = frozenset({"NextToken", "MaxResults"})

Record = dict[str, Any]
_Key = tuple[str, int]  # what rows are sorted by, and the number that no other has
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class Listing:
    """How one List operation behaves.

    Attributes:
        operation: e.g. `ListModels`.
        name: the record's member that `NameContains` and `SortBy=Name` mean.
        status: the record's member that `StatusEquals` and `SortBy=Status` mean.
        order: `SortOrder` where the request has none.
        size: `MaxResults` where the request has none.
        equals: the record's member that another member of the request asks for.
    """

    operation: str
    name: str
    status: str = ""
    order: str = "Descending"
    size: int = _PAGE
    equals: Mapping[str, str] = field(default_factory=dict)

    def answer(
        self,
        request: Record,
        resources: Iterable[Resource],
        summarise: Callable[[Resource], Record] | None = None,
    ) -> Record:
        """The page that the request asks for.

        Raises:
            ApiError: ValidationException, `NextToken` is of another query.
        """
        kept = [item for item in resources if self._keeps(request, item.record)]
        member = self._sort_member(request.get("SortBy", ""))
        descending = (request.get("SortOrder") or self.order) == "Descending"
        rows = [((_sortable(item.record.get(member)), item.sequence), item) for item in kept]
        page, answer = _page(request, rows, self.size, descending)
        shown = [summarise(item) if summarise else item.record for item in page]
        output, summary = _summaries(self.operation)
        return answer | {output: [service_model.project(summary, record) for record in shown]}

    def _sort_member(self, sort_by: str) -> str:
        members = {"Name": self.name, "Status": self.status}
        return members.get(sort_by, sort_by) or _CREATED

    def _keeps(self, request: Record, record: Record) -> bool:
        created, changed = record.get(_CREATED), record.get("LastModifiedTime")
        name = str(record.get(self.name, ""))
        tests: dict[str, Callable[[Any], bool]] = {
            "NameContains": lambda part: part.lower() in name.lower(),
            "PipelineNamePrefix": name.startswith,
            "CreationTimeAfter": lambda time: created > time,
            "CreationTimeBefore": lambda time: created < time,
            "CreatedAfter": lambda time: created > time,
            "CreatedBefore": lambda time: created < time,
            "LastModifiedTimeAfter": lambda time: changed is not None and changed > time,
            "LastModifiedTimeBefore": lambda time: changed is not None and changed < time,
            "StatusEquals": lambda status: record.get(self.status) == status,
        } | {
            key: lambda value, member=member: record.get(member) == value
            for key, member in self.equals.items()
        }
        return all(test(request[key]) for key, test in tests.items() if request.get(key))


def numbered_page(
    request: Record, rows: Iterable[tuple[int, Record]], output: str, *, descending: bool = False
) -> Record:
    """A page of rows by their numbers, each of which stays its row's own, so that no row is shown
    twice or left out where others come or go between two pages.

    Raises:
        ApiError: ValidationException, `NextToken` is of another query.
    """
    keyed = [(("", number), record) for number, record in rows]
    page, answer = _page(request, keyed, _PAGE, descending)
    return answer | {output: page}


def _page(
    request: Record, rows: Iterable[tuple[_Key, _Row]], size: int, descending: bool
) -> tuple[list[_Row], Record]:
    """The rows of a page, and its NextToken where there are more."""
    rest = sorted(rows, key=itemgetter(0), reverse=descending)
    if token := request.get("NextToken"):
        last = _read(request, token)
        rest = [row for row in rest if (row[0] < last if descending else row[0] > last)]
    page = rest[: request.get("MaxResults") or size]
    more = {"NextToken": _token(request, *page[-1][0])} if len(page) < len(rest) else {}
    return [row for _, row in page], more


@cache
def _summaries(operation: str) -> tuple[str, str]:
    """The member of an operation's response that is a list, and the shape of what it lists."""
    shape = service_model.operation(operation).output_shape
    members = shape.members.items() if isinstance(shape, StructureShape) else ()
    ((name, summary),) = [
        (name, member.member.name) for name, member in members if isinstance(member, ListShape)
    ]
    return name, summary


def _sortable(value: Any) -> str:
    # Names sort as AWS's console sorts them; a time in ISO 8601 with one zone sorts as text.
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else str(value)


def _token(request: Record, key: str, number: int) -> str:
    content = json.dumps([_query(request), key, number])
    return base64.urlsafe_b64encode(content.encode()).decode()


def _read(request: Record, token: str) -> _Key:
    try:
        query, key, number = json.loads(base64.urlsafe_b64decode(token))
        last = str(key), int(number)
    except (binascii.Error, TypeError, ValueError) as error:
        raise validation("The NextToken is none that this operation gave.") from error
    if query != _query(request):
        raise validation("The NextToken belongs to a request with other filters or order.")
    return last


def _query(request: Record) -> str:
    filters = {key: value for key, value in request.items() if key not in _NO_FILTERS}
    text = json.dumps(filters, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
