"""MiniStack is patched only where it is what the patches were written for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from rehearsal.ministack.patching import Patch, PatchError, apply


@pytest.fixture
def service() -> Iterator[Any]:
    module: Any = ModuleType("ministack.a_service")
    module._answer = lambda name, *, loud=False: f"I am {name}"
    module._HANDLERS = {"A::Type": {"create": lambda logical_id: logical_id}}
    other: Any = ModuleType("ministack.another")
    other._answer = module._answer
    sys.modules |= {"ministack.a_service": module, "ministack.another": other}
    yield module
    del sys.modules["ministack.a_service"], sys.modules["ministack.another"]


def loud(old: Callable[..., str], *arguments: Any, **named: Any) -> str:
    return old(*arguments, **named) + "!"


def test_each_row_wraps_what_the_row_before_left(service: Any) -> None:
    patch = Patch("a_service", "_answer", "name, loud", loud, importers=("another",))

    apply([patch, patch])

    assert service._answer("MiniStack") == "I am MiniStack!!"
    assert sys.modules["ministack.another"]._answer is service._answer  # type: ignore[attr-defined]


def test_the_entry_of_a_table_is_wrapped_or_added(service: Any) -> None:
    apply(
        [
            Patch("a_service", "_HANDLERS/A::Type/create", "logical_id", loud),
            Patch("a_service", "_HANDLERS/Another::Type", None, lambda old: [old]),
        ]
    )

    assert service._HANDLERS["A::Type"]["create"]("me") == "me!"
    assert service._HANDLERS["Another::Type"] == [None]


@pytest.mark.parametrize(
    ("name", "parameters", "what"),
    [
        ("_answer", "name", "takes (name, loud), where (name) is wrapped"),
        ("_answers", "name", "has no such thing"),
        ("_answers", None, "has no such thing"),
        ("_HANDLERS", "name", "has a dict there, where (name) is wrapped"),
        ("_HANDLERS/Another::Type/create", "logical_id", "has no such thing"),
        ("_HANDLERS/A::Type/update", "logical_id", "has no such thing"),
    ],
)
def test_another_ministack_is_refused_with_one_sentence(
    service: Any, name: str, parameters: str | None, what: str
) -> None:
    with pytest.raises(PatchError) as refused:
        apply([Patch("a_service", name, parameters, loud)])

    said = str(refused.value)
    assert what in said
    assert f"ministack.a_service {name}: adapt the patch loud in" in said
    assert service._answer("me") == "I am me"
