"""The definition as it is deployed, to be made worse in one place."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.assembly import Definition
from infra.costs import load_prices
from infra.rules import Finding
from infra.rules.definitions import check_definition
from infra.rules.resources import encrypted_buckets

Change = Callable[[Definition], Any]


@pytest.fixture(scope="session")
def buckets(assembly) -> set[str]:
    return encrypted_buckets(assembly.templates("dev"))


@pytest.fixture(scope="session")
def plain(assembly, buckets) -> set[Finding]:
    """What is found as it is: exceptions, all of them."""
    return set(_check(assembly.definition("dev"), buckets))


@pytest.fixture
def found_after(assembly, buckets, plain) -> Callable[[Change], list[Finding]]:
    """What is found after a change that was not found before."""

    def changed(change: Change) -> list[Finding]:
        definition = Definition(copy.deepcopy(assembly.definition("dev").content))
        change(definition)
        return [finding for finding in _check(definition, buckets) if finding not in plain]

    return changed


def _check(definition: Definition, buckets: set[str]) -> list[Finding]:
    return check_definition(
        definition, region="us-east-1", prices=load_prices(), encrypted_buckets=buckets
    )


@pytest.fixture
def templates(assembly) -> dict[str, Any]:
    """Prod's, which has all that there is, to be changed."""
    return copy.deepcopy(assembly.templates("prod"))
