"""Each step's Arguments are a request that SageMaker takes, by botocore's model of it."""

import botocore.session
import pytest
from botocore.validate import ParamValidator

OPERATIONS = {
    "CreateManifests": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "FetchServingModel": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "ShardImages": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "TrainModel": ("CreateTrainingJob", {"TrainingJobName": "job"}),
    "EvaluateModel": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
EXPRESSIONS = ("Get", "Std:Join", "Std:JsonGet")


@pytest.fixture(scope="module")
def service():
    return botocore.session.get_session().get_service_model("sagemaker")


def evaluated(value):
    """Expressions stand where the service wants a string."""
    if isinstance(value, list):
        return [evaluated(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in EXPRESSIONS:
            return "value"
        return {key: evaluated(item) for key, item in value.items()}
    return value


def faults(service, operation, request):
    shape = service.operation_model(operation).input_shape
    return ParamValidator().validate(request, shape).generate_report()


@pytest.mark.parametrize("environment", ["dev", "prod"])
@pytest.mark.parametrize("step", OPERATIONS)
def test_sagemaker_would_take_the_request(assembly, service, environment, step):
    operation, named_by_sagemaker = OPERATIONS[step]
    arguments = evaluated(assembly.definition(environment).arguments(step))
    assert faults(service, operation, {**arguments, **named_by_sagemaker}) == ""


def test_sagemaker_would_take_a_training_on_its_own_capacity_with_weights(steady, service):
    arguments = evaluated(steady.definition().arguments("TrainModel"))
    assert faults(service, "CreateTrainingJob", {**arguments, "TrainingJobName": "job"}) == ""


def test_a_request_with_an_unknown_member_would_be_noticed(assembly, service):
    arguments = evaluated(assembly.definition().arguments("ShardImages"))
    request = {**arguments, "ProcessingJobName": "job", "InstanceCount": 2}
    assert "InstanceCount" in faults(service, "CreateProcessingJob", request)
