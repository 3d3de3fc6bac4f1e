"""Tags of any resource."""

from rehearsal.errors import validation
from rehearsal.resources.context import Context, Handler, Record
from rehearsal.resources.paging import numbered_page

_MOST = 50


def _as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _add_tags(context: Context, request: Record) -> Record:
    arn = _arn(context, request)
    with context.store.transaction():
        context.store.set_tags(arn, {tag["Key"]: tag["Value"] for tag in request["Tags"]})
        tags = context.store.tags(arn)
        if len(tags) > _MOST:
            raise validation(f"A resource has at most {_MOST} tags: {arn} would have {len(tags)}.")
    return {"Tags": _as_list(tags)}


def _delete_tags(context: Context, request: Record) -> Record:
    context.store.remove_tags(_arn(context, request), request["TagKeys"])
    return {}


def _list_tags(context: Context, request: Record) -> Record:
    tags = _as_list(context.store.tags(_arn(context, request)))
    # A page has room for all: at least 50, which is also the most that a resource has.
    return numbered_page(request, enumerate(tags), "Tags")


def _arn(context: Context, request: Record) -> str:
    arn: str = request["ResourceArn"]
    if context.store.by_arn(arn) is None:
        raise validation(f"There is no resource {arn}.")
    return arn


OPERATIONS: dict[str, Handler] = {
    "AddTags": _add_tags,
    "DeleteTags": _delete_tags,
    "ListTags": _list_tags,
}
