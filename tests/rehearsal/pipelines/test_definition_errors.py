"""Each wrong definition is refused before anything runs, with one sentence that says where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rehearsal.errors import ApiError
from rehearsal.pipelines.validation import validate

from .definitions import (
    condition,
    definition,
    equals,
    fail,
    get,
    join,
    out_of,
    parameter,
    processing,
)

_EVALUATION = {"PropertyFileName": "E", "OutputName": "out", "FilePath": "e.json"}


def _json_get(file: str, **more: Any) -> dict[str, Any]:
    return {"Std:JsonGet": {"PropertyFile": get(file), "Path": "a", **more}}


def _without(step: dict[str, Any], member: str) -> dict[str, Any]:
    arguments = {k: v for k, v in step["Arguments"].items() if k != member}
    return {**step, "Arguments": arguments}


WRONG = {
    "not JSON": ("{", "is not JSON"),
    "no object": ("[]", "has the Version None"),
    "another version": (definition(Version="2019-01-01"), "has the Version '2019-01-01'"),
    "no steps": (json.dumps({"Version": "2020-12-01"}), "is wrong at Steps: field required"),
    "an unknown property": (
        definition(processing("A", Colour="red")),
        "has an unknown property Steps.0.Colour",
    ),
    "an unknown property in a branch": (
        definition(condition("C", then=[processing("A", Colour="red")])),
        "has an unknown property C.IfSteps.0.Colour",
    ),
    "too long": (definition(Metadata={"a": "x" * 1_048_576}), "characters: shorten it to 1048576"),
    "too many parameters": (
        definition(parameters=[parameter(f"P{i}", DefaultValue="x") for i in range(201)]),
        "has 201 parameters: keep at most 200",
    ),
    "two parameters of one name": (
        definition(parameters=[parameter("P"), parameter("P")]),
        "Two parameters have the name 'P'",
    ),
    "a default of another type": (
        definition(parameters=[parameter("P", "Integer", DefaultValue="many")]),
        "Parameter 'P' is of type Integer: 'many' isn't",
    ),
    "a default that isn't allowed": (
        definition(parameters=[parameter("P", DefaultValue="c", EnumValues=["a", "b"])]),
        "Parameter 'P' must be one of a, b, not 'c'",
    ),
    "two steps of one name": (
        definition(processing("A"), processing("A")),
        "Two steps have the name 'A'",
    ),
    "two steps of one name, one in a branch": (
        definition(processing("A"), condition("C", then=[processing("A")])),
        "Two steps have the name 'A'",
    ),
    "a step of another type": (
        definition({"Name": "A", "Type": "Tuning", "Arguments": {}}),
        "Step 'A' is of type 'Tuning', which the rehearsal doesn't run",
    ),
    "DependsOn a missing step": (
        definition(processing("A", after=["Z"])),
        "Step 'A' depends on the step 'Z', which does not exist",
    ),
    "DependsOn a Fail step": (
        definition(fail("F"), processing("A", after=["F"])),
        "Step 'A' can not depend on 'F'",
    ),
    "a run condition": (
        definition(processing("A"), processing("B", after=[{"Step": "A", "Trigger": "Failed"}])),
        "is wrong at Steps.1.DependsOn.0",
    ),
    "a property of a missing step": (
        definition(processing("A", [out_of("Z")])),
        "Step 'A' refers to 'Steps.Z.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri', "
        "but the step 'Z' does not exist",
    ),
    "a property that isn't there": (
        definition(processing("A"), processing("B", [get("Steps.A.ModelArtifacts")])),
        "step 'A' does not have: DescribeProcessingJob answers no 'ModelArtifacts'",
    ),
    "an output that isn't there": (
        definition(
            processing("A"),
            processing("B", [get("Steps.A.ProcessingOutputConfig.Outputs['in'].S3Output.S3Uri")]),
        ),
        "step 'A' does not have: there is no 'in', only out",
    ),
    "a property of a condition that isn't its outcome": (
        definition(condition("C"), processing("B", [join(get("Steps.C.Result"))])),
        "a Condition step has only 'Outcome'",
    ),
    "a property of a Fail step": (
        definition(fail("F"), processing("B", [get("Steps.F.ErrorMessage")])),
        "a Fail step has no properties",
    ),
    "a cycle of DependsOn": (
        definition(processing("A", after=["B"]), processing("B", after=["A"])),
        "in a cycle",
    ),
    "a cycle of references": (
        definition(processing("A", [out_of("B")]), processing("B", [out_of("A")])),
        "in a cycle",
    ),
    "a step that waits for itself": (
        definition(processing("A", after=["A"])),
        "in a cycle, A -> A",
    ),
    "a condition that waits for its own branch": (
        definition(condition("C", then=[processing("A")], DependsOn=["A"])),
        "in a cycle",
    ),
    "an unknown parameter": (
        definition(processing("A", [get("Parameters.Q")]), parameters=[parameter("P")]),
        "Step 'A' refers to 'Parameters.Q', but there is no parameter 'Q': there is P",
    ),
    "an unknown execution variable": (
        definition(processing("A", [get("Execution.Weather")])),
        "there is no execution variable 'Weather'",
    ),
    "a reference to nothing": (
        definition(processing("A", [get("Weather.Today")])),
        "Step 'A' is wrong: the reference 'Weather.Today' can't be read",
    ),
    "a path that can't be read": (
        definition(processing("A"), processing("B", [get("Steps.A.Outputs[")])),
        "can't be read at '['",
    ),
    "an unknown function": (
        definition(processing("A", [{"Std:Reverse": "x"}])),
        "Step 'A' calls 'Std:Reverse', which the rehearsal doesn't know",
    ),
    "a join of nothing": (
        definition(processing("A", [{"Std:Join": {"On": "/"}}])),
        "Step 'A' has a Std:Join without a list of Values",
    ),
    "a JsonGet without a path": (
        definition(processing("A", [{"Std:JsonGet": {"S3Uri": "s3://b/k"}}])),
        "Step 'A' has a Std:JsonGet that needs a Path",
    ),
    "a property file that isn't declared": (
        definition(
            processing("A"), condition("C", equals(_json_get("Steps.A.PropertyFiles.E"), 1))
        ),
        "reads the property file 'E', which step 'A' does not declare",
    ),
    "a property file of an output that isn't there": (
        definition(processing("A", PropertyFiles=[{**_EVALUATION, "OutputName": "in"}])),
        "Property file 'E' of step 'A' lies in the output 'in', which the step does not have",
    ),
    "a property file read by Get": (
        definition(
            processing("A", PropertyFiles=[_EVALUATION]),
            processing("B", [get("Steps.A.PropertyFiles.E")]),
        ),
        "Step 'B' reads the property file 'E' with Get",
    ),
    "a condition of another type": (
        definition(condition("C", {"Type": "Resembles", "LeftValue": 1, "RightValue": 1})),
        "Step 'C' has a wrong condition",
    ),
    "arguments that lack a member": (
        definition(_without(processing("A"), "AppSpecification")),
        "The Arguments of step 'A' don't fit CreateProcessingJob: Missing required parameter "
        'in input: "AppSpecification"',
    ),
    "arguments with an unknown member": (
        definition({**processing("A"), "Arguments": {**processing("A")["Arguments"], "Fun": 1}}),
        'Unknown parameter in input: "Fun"',
    ),
    "a number where the API wants text": (
        definition(processing("A", [get("Parameters.P")]), parameters=[parameter("P", "Integer")]),
        "Invalid type for parameter AppSpecification.ContainerArguments[0]",
    ),
    "a value that is none of an enum's": (
        definition(processing("A")).replace("EndOfJob", "AtTheEnd"),
        "ProcessingOutputConfig.Outputs[0].S3Output.S3UploadMode is 'AtTheEnd' and must be one of "
        "Continuous, EndOfJob",
    ),
    "an instance type that AWS does not have": (
        definition(processing("A")).replace("ml.m5.large", "ml.m5.huge"),
        "InstanceType is 'ml.m5.huge', which AWS does not have",
    ),
    "a retry policy for an unknown exception": (
        definition(processing("A", RetryPolicies=[{"ExceptionType": ["Rain"]}])),
        "is wrong at Steps.0.RetryPolicies.0.ExceptionType.0",
    ),
    "a cache that expires at no time": (
        definition(processing("A", CacheConfig={"Enabled": True, "ExpireAfter": "soon"})),
        "is wrong at Steps.0.CacheConfig.ExpireAfter",
    ),
    "an experiment of an unknown parameter": (
        definition(PipelineExperimentConfig={"ExperimentName": get("Parameters.Q")}),
        "PipelineExperimentConfig refers to 'Parameters.Q'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_definition_is_refused_with_one_sentence(case: str) -> None:
    body, sentence = WRONG[case]
    with pytest.raises(ApiError) as refusal:
        validate(body)
    assert refusal.value.code == "ValidationException"
    assert sentence in refusal.value.message
    assert "\n" not in refusal.value.message


def test_the_steps_of_a_cycle_are_named_in_the_order_in_which_they_wait() -> None:
    body = definition(
        processing("A", after=["C"]), processing("B", after=["A"]), processing("C", after=["B"])
    )
    with pytest.raises(ApiError) as refusal:
        validate(body)
    cycle = refusal.value.message.split("in a cycle, ")[1].split(":")[0].split(" -> ")
    assert cycle[0] == cycle[-1]
    waits = {"A": "C", "B": "A", "C": "B"}
    assert [waits[name] for name in cycle[:-1]] == cycle[1:]


def test_a_definition_of_the_sdk_is_accepted(training_pipeline: str) -> None:
    validate(training_pipeline)


def test_a_misspelt_output_in_a_definition_of_the_sdk_is_refused(training_pipeline: str) -> None:
    wrong = training_pipeline.replace("Outputs['manifests']", "Outputs['manifest']")
    with pytest.raises(ApiError, match="'manifest', only manifests"):
        validate(wrong)


def test_each_function_fits_wherever_text_is_wanted() -> None:
    file = _json_get("Steps.A.PropertyFiles.E")
    uri = {"Std:JsonGet": {"S3Uri": join("s3://", get("Parameters.P")), "Path": "$.a[0]['b']"}}
    body = definition(
        processing("A", PropertyFiles=[_EVALUATION]),
        processing("B", [file, uri, join("x"), get("Parameters.P"), out_of("A")]),
        parameters=[parameter("P")],
    )
    validate(body)
