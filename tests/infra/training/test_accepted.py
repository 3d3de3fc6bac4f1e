"""SageMaker takes every environment's definition, by the rehearsal's reading of it.

So a request that does not fit fails here, and not first in a rehearsal: at synthesis `infra/rules`
looks at values alone.
"""

import copy
import json

import pytest

from infra.assembly import Definition
from infra.settings import ENVIRONMENTS
from rehearsal.errors import ApiError
from rehearsal.pipelines.validation import validate
from tests.infra.rules.changes import argument

NAME = "AppSpecification.ContainerArguments[1]"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environments_definition_is_taken(assembly, environment):
    validate(json.dumps(assembly.definition(environment).content))


def test_with_every_option_it_is_taken_too(options):
    validate(json.dumps(options.definition("dev").content))


@pytest.mark.parametrize(
    ("step", "path", "value", "said"),
    [
        ("ShardImages", "InstanceCount", 2, 'Unknown parameter in input: "InstanceCount"'),
        ("ShardImages", "ProcessingResources", {}, "Missing required parameter"),
        ("TrainModel", "ResourceConfig.InstanceCount", "2", "Invalid type"),
        ("TrainModel", "HyperParameters.epochs", {"Get": "Parameters.Epochs"}, "Invalid type"),
        ("TrainModel", "ResourceConfig.InstanceCount", {"Get": "Parameters.DropId"}, "Invalid"),
        ("TrainModel", "HyperParameters.seed", {"Get": "Parameters.Seeds"}, "no parameter 'Seeds'"),
        ("ShardImages", NAME, {"Get": "Execution.Id"}, "no execution variable 'Id'"),
        ("ShardImages", NAME, {"Get": "Steps.Nobody.CreationTime"}, "'Nobody' does not exist"),
        ("EvaluateModel", NAME, {"Get": "Steps.TrainModel.Model"}, "Model"),
    ],
)
def test_a_request_that_does_not_fit_is_refused(assembly, step, path, value, said):
    definition = Definition(copy.deepcopy(assembly.definition("dev").content))
    argument(step, path, value)(definition)
    with pytest.raises(ApiError) as refused:
        validate(json.dumps(definition.content))
    assert step in str(refused.value)
    assert said in str(refused.value)
