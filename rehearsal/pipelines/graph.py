"""Which step waits for which: DependsOn, references in Arguments, and the branch's condition."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from rehearsal.errors import validation
from rehearsal.pipelines.definition import Definition, PipelineStep, arguments_of_its_own
from rehearsal.pipelines.references import references_in

Graph = Mapping[str, frozenset[str]]


def steps_referred_to(step: PipelineStep) -> frozenset[str]:
    """The steps whose properties or property files the Arguments use."""
    return frozenset(
        reference.name
        for reference in references_in(arguments_of_its_own(step))
        if reference.is_of_step
    )


def upstream(definition: Definition) -> Graph:
    """For each step, the steps that must succeed before it can start."""
    return {
        name: frozenset(step.depends_on) | steps_referred_to(step) | _condition(definition, name)
        for name, step in definition.steps.items()
    }


def in_order(graph: Graph) -> tuple[str, ...]:
    """Step names, each after all that it waits for.

    Raises ApiError (ValidationException) that names the steps of a cycle.
    """
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " -> ".join(reversed(error.args[1]))
        raise validation(
            f"The steps wait for each other in a cycle, {cycle}: remove one of these dependencies."
        ) from error


def without(graph: Graph, names: frozenset[str]) -> frozenset[str]:
    """The names and every step that waits for one of them, directly or not."""
    lost = set(names)
    for name in in_order(graph):
        if graph[name] & lost:
            lost.add(name)
    return frozenset(lost)


def _condition(definition: Definition, name: str) -> frozenset[str]:
    branch = definition.branches.get(name)
    return frozenset() if branch is None else frozenset({branch.condition})
