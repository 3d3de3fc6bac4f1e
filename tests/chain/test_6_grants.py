"""Every grant of every role was needed: the whole rehearsal, decided anew less each of them.

After all others, so that the record holds what they did, and the end of the stacks, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from infra.exceptions.accepted import stale, unexplained
from infra.exceptions.unexercised import EXERCISED_ELSEWHERE
from rehearsal.authorization.grants import replay
from rehearsal.authorization.record import read

pytestmark = pytest.mark.chain


@dataclass(frozen=True)
class Unneeded:
    """A grant without which nothing would have been refused."""

    subject: str
    rule: str


@pytest.fixture(scope="module")
def unneeded(rehearsed, roles_before_the_end):
    uses = replay([each.role for each in roles_before_the_end], read(rehearsed.folder / "aws"))
    return [
        Unneeded(f"{each.label} {grant.resource}", grant.action)
        for each in roles_before_the_end
        for grant in each.role.grants
        if not uses[grant].needed
    ]


def test_the_rehearsal_fails_without_any_grant_but_those_that_are_explained(unneeded):
    left = unexplained(unneeded, EXERCISED_ELSEWHERE)
    assert not left, "\n".join(map(str, left))


def test_nothing_is_explained_that_the_rehearsal_does_need(unneeded):
    left = stale(unneeded, EXERCISED_ELSEWHERE)
    assert not left, "\n".join(map(str, left))
