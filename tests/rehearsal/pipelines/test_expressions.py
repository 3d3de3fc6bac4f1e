from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.pipelines.expressions import ExpressionError, Scope, evaluate
from rehearsal.pipelines.references import look_up, parse_path

from .definitions import get, join

_DESCRIBED = {
    "ProcessingInputs": [{"InputName": "train", "S3Input": {"S3Uri": "s3://b/in"}}],
    "ProcessingOutputConfig": {
        "Outputs": [
            {"OutputName": "a", "S3Output": {"S3Uri": "s3://b/a"}},
            {"OutputName": "b.c", "S3Output": {"S3Uri": "s3://b/b"}},
        ]
    },
    "Environment": {"A": "1"},
}
_NAMES = st.text(st.characters(categories=["L", "N"], include_characters="-_ .é日"), min_size=1)
_SCALARS = st.one_of(st.text(), st.integers(), st.booleans(), st.floats(allow_nan=False))


def _scope(**parameters: Any) -> Scope:
    return Scope(
        parameters=parameters,
        execution={"PipelineExecutionId": "abc"},
        experiment={"TrialName": "t"},
        properties={"S": _DESCRIBED, "C": {"Outcome": False}}.__getitem__,
        property_file=lambda step, name: {"of": [step, {"name": name}]},
        json_at=lambda uri: {"uri": uri},
    )


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (get("Parameters.P"), 3),
        (get("Execution.PipelineExecutionId"), "abc"),
        (get("PipelineExperimentConfig.TrialName"), "t"),
        (get("Steps.C.Outcome"), False),
        (get("Steps.S.Environment.A"), "1"),
        (get("Steps.S.ProcessingOutputConfig.Outputs['a'].S3Output.S3Uri"), "s3://b/a"),
        (get('Steps.S.ProcessingOutputConfig.Outputs["b.c"].S3Output.S3Uri'), "s3://b/b"),
        (get("Steps.S.ProcessingOutputConfig.Outputs[1].S3Output.S3Uri"), "s3://b/b"),
        (get("Steps.S.ProcessingInputs['train'].S3Input.S3Uri"), "s3://b/in"),
        (join("a", 1, 0.5, True, on="/"), "a/1/0.5/true"),
        (join("outcome is ", get("Steps.C.Outcome")), "outcome is false"),
        (join(join("a", "b", on="-"), get("Parameters.P")), "a-b3"),
        (
            {"Std:JsonGet": {"PropertyFile": get("Steps.S.PropertyFiles.E"), "Path": "of[1].name"}},
            "E",
        ),
        (
            {"Std:JsonGet": {"S3Uri": join("s3://b/", get("Parameters.P")), "Path": "uri"}},
            "s3://b/3",
        ),
    ],
)
def test_an_expression_has_the_value_that_it_refers_to(expression: Any, value: Any) -> None:
    found = evaluate({"deep": [expression]}, _scope(P=3))
    assert found == {"deep": [value]}
    assert type(found["deep"][0]) is type(value)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        (get("Steps.S.ProcessingOutputConfig.Outputs['z']"), "there is no 'z'"),
        (get("Steps.S.ProcessingOutputConfig.Outputs[7]"), "there is no '7'"),
        (get("Steps.S.PropertyFiles.E"), "read it with Std:JsonGet"),
        (join(get("Steps.S.Environment")), "can't join a value of type dict"),
        (
            {"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a.b"}},
            "found nothing at 'a.b' in s3://b/k",
        ),
        ({"Std:Reverse": "x"}, "'Std:Reverse' is not one of the functions"),
    ],
)
def test_an_expression_without_a_value_says_why(expression: Any, sentence: str) -> None:
    with pytest.raises(ExpressionError, match=None) as error:
        evaluate(expression, _scope())
    assert sentence in str(error.value)


@given(
    st.recursive(
        _SCALARS, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=8
    )
)
def test_json_without_expressions_stays_as_it_is(value: Any) -> None:
    assert evaluate(value, _scope()) == value


@given(st.lists(st.text()), st.text())
def test_join_of_texts_can_be_told_from_its_parts(texts: list[str], on: str) -> None:
    assert evaluate(join(*texts, on=on), _scope()) == on.join(texts)


@given(st.lists(st.tuples(_NAMES, st.booleans()) | st.integers(0, 3), min_size=1), _SCALARS)
def test_a_path_written_for_a_value_leads_to_it(keys: list[Any], leaf: Any) -> None:
    value, text = leaf, ""
    for key in reversed(keys):
        if isinstance(key, int):
            value, text = [None] * key + [value], f"[{key}]{text}"
        else:
            name, bracket = key[0], key[1] or "." in key[0]
            value, text = {name: value}, (f"['{name}']" if bracket else f".{name}") + text
    assert look_up(value, parse_path(f"${text}")) == leaf


@pytest.mark.parametrize("path", ["", "$", "a..b", "a[", "a[b]", ".a", "a['b]"])
def test_a_path_outside_the_grammar_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="path"):
        parse_path(path)
