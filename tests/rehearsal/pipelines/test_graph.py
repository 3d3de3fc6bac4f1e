from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.errors import ApiError
from rehearsal.pipelines.definition import parse
from rehearsal.pipelines.graph import in_order, upstream, without

from .definitions import condition, definition, equals, get, join, out_of, processing


@st.composite
def _graphs(draw: st.DrawFn) -> dict[str, frozenset[str]]:
    size = draw(st.integers(1, 12))
    names = draw(st.permutations([f"S{i}" for i in range(size)]))
    return {
        name: frozenset(draw(st.sets(st.sampled_from(names[:i])) if i else st.just(set())))
        for i, name in enumerate(names)
    }


@given(_graphs())
def test_each_step_comes_after_all_that_it_waits_for(graph: dict[str, frozenset[str]]) -> None:
    order = in_order(graph)
    assert sorted(order) == sorted(graph)
    for name, before in graph.items():
        assert all(order.index(other) < order.index(name) for other in before)


@given(_graphs(), st.data())
def test_a_step_is_left_out_exactly_when_it_waits_for_one_that_is(
    graph: dict[str, frozenset[str]], data: st.DataObject
) -> None:
    names = frozenset(data.draw(st.sets(st.sampled_from(sorted(graph)))))
    left_out = without(graph, names)
    assert names <= left_out
    for name, before in graph.items():
        assert (name in left_out) == (name in names or bool(before & left_out))


@given(_graphs(), st.data())
def test_an_edge_back_makes_a_cycle_that_is_refused(
    graph: dict[str, frozenset[str]], data: st.DataObject
) -> None:
    edges = [(name, other) for name, before in graph.items() for other in before]
    name, other = data.draw(st.sampled_from(edges or [(next(iter(graph)),) * 2]))
    with pytest.raises(ApiError, match="cycle"):
        in_order({**graph, other: graph[other] | {name}})


def test_a_step_waits_for_depends_on_for_references_and_for_its_condition() -> None:
    inner = condition("Inner", equals(join(out_of("A")), "x"), then=[processing("E", after=["B"])])
    body = definition(
        processing("A"),
        processing("B", [join("x", out_of("A"))]),
        condition("Outer", equals(get("Steps.Other.Outcome"), True), then=[inner]),
        condition("Other"),
    )
    assert upstream(parse(body)) == {
        "A": set(),
        "B": {"A"},
        "Outer": {"Other"},
        "Inner": {"Outer", "A"},
        "E": {"Inner", "B"},
        "Other": set(),
    }
