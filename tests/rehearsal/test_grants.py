"""Which grants the requests on record needed, as MiniStack's own engine decides."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.authorization.record import Request
from rehearsal.grants import Grant, Role, Use, replay

SESSION = "arn:aws:sts::000000000000:assumed-role/job/session"
BUCKET = "arn:aws:s3:::bucket"


def _asked(action: str, resource: str, by_resource: str = "", **context: Any) -> Request:
    keys = {name.replace("__", ":"): value for name, value in context.items()}
    return Request("", SESSION, action, resource, True, keys, by_resource)


def _role(*statements: dict[str, Any]) -> Role:
    allowed = [{"Effect": "Allow"} | statement for statement in statements]
    return Role("job", {"Policy": {"Statement": allowed}})


def _uses(role: Role, *requests: Request) -> dict[tuple[str, str], tuple[int, int]]:
    found: dict[Grant, Use] = replay([role], requests)
    return {(grant.action, grant.resource): (use.uses, use.needed) for grant, use in found.items()}


def test_a_grant_without_which_a_request_is_refused_is_needed() -> None:
    role = _role({"Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"{BUCKET}/a/*"})
    assert _uses(role, _asked("s3:GetObject", f"{BUCKET}/a/1")) == {
        ("s3:GetObject", f"{BUCKET}/a/*"): (1, 1),
        ("s3:PutObject", f"{BUCKET}/a/*"): (0, 0),
    }


def test_of_two_grants_that_allow_the_same_neither_is_needed() -> None:
    role = _role({"Action": "s3:GetObject", "Resource": [f"{BUCKET}/*", f"{BUCKET}/a/*"]})
    assert set(_uses(role, _asked("s3:GetObject", f"{BUCKET}/a/1")).values()) == {(1, 0)}


@pytest.mark.parametrize(("prefix", "used"), [("drops/a", 1), ("elsewhere/", 0)])
def test_a_grant_counts_only_where_its_condition_holds(prefix: str, used: int) -> None:
    condition = {"StringLike": {"s3:prefix": ["drops/*"]}}
    role = _role({"Action": "s3:ListBucket", "Resource": BUCKET, "Condition": condition})
    found = _uses(role, _asked("s3:ListBucket", BUCKET, s3__prefix=prefix))
    assert found == {("s3:ListBucket", BUCKET): (used, used)}


def test_what_the_resources_own_policy_allows_needs_no_grant() -> None:
    role = _role({"Action": "kms:Decrypt", "Resource": "*"})
    found = _uses(role, _asked("kms:Decrypt", "arn:aws:kms:::key/1", by_resource="allows"))
    assert found == {("kms:Decrypt", "*"): (1, 0)}


def test_requests_that_were_refused_or_are_of_another_role_count_for_nothing() -> None:
    role = _role({"Action": "s3:GetObject", "Resource": f"{BUCKET}/*"})
    other = Request("", SESSION.replace("/job/", "/other/"), "s3:GetObject", f"{BUCKET}/1", True)
    refused = Request("", SESSION, "s3:GetObject", f"{BUCKET}/1", False)
    assert _uses(role, other, refused) == {("s3:GetObject", f"{BUCKET}/*"): (0, 0)}


def test_a_policy_less_a_grant_allows_all_else_that_it_allowed() -> None:
    role = _role(
        {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": ["a", "b"]},
        {"Action": "s3:ListBucket", "Resource": "a"},
    )
    for removed in role.grants:
        rest = Role("job", {"Policy": role.without(removed) or {"Statement": []}})
        left = {(grant.action, grant.resource) for grant in rest.grants}
        assert left == {(grant.action, grant.resource) for grant in role.grants if grant != removed}


def test_a_grant_that_is_all_of_a_policy_leaves_none() -> None:
    role = _role({"Action": "s3:GetObject", "Resource": "a"})
    assert role.without(role.grants[0]) is None
