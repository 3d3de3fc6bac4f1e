"""Which of the account's service quotas an environment needs."""

import copy
import json

import pytest

from infra.assembly import pipeline_definition
from infra.rules.quotas import needed
from tests.infra.rules.changes import argument


def by_name(quotas):
    return {quota.name: quota.needed for quota in quotas}


def rewritten(templates, *changes):
    """The templates with changes of their definition."""
    copied = copy.deepcopy(templates)
    definition = pipeline_definition(copied["training"])
    for change in changes:
        change(definition)
    for resource in copied["training"]["Resources"].values():
        if resource["Type"] == "AWS::SageMaker::Pipeline":
            body = {"PipelineDefinitionBody": json.dumps(definition.content)}
            resource["Properties"]["PipelineDefinition"] = body
    return copied


@pytest.fixture(scope="module")
def dev(assembly):
    return assembly.templates("dev")


def test_spot_and_on_demand_are_quotas_of_their_own(assembly, dev):
    assert by_name(needed(dev, 1))["ml.c5.2xlarge for spot training job usage"] == 2
    prod = by_name(needed(assembly.templates("prod"), 1))
    assert prod["ml.c5.2xlarge for training job usage"] == 2
    assert "ml.c5.2xlarge for spot training job usage" not in prod


def test_executions_at_one_time_need_as_many_times(dev):
    once, thrice = by_name(needed(dev, 1)), by_name(needed(dev, 3))
    jobs = [name for name in once if "job usage" in name]
    assert {name: thrice[name] for name in jobs} == {name: 3 * once[name] for name in jobs}


def test_steps_that_wait_for_each_other_share_and_others_do_not(dev):
    cluster = "ProcessingResources.ClusterConfig.InstanceType"
    alone = by_name(needed(dev, 1))["ml.m5.xlarge for processing job usage"]
    after = rewritten(dev, argument("CreateManifests", cluster, "ml.m5.xlarge"))
    assert by_name(needed(after, 1))["ml.m5.xlarge for processing job usage"] == alone
    beside = rewritten(dev, argument("FetchServingModel", cluster, "ml.m5.xlarge"))
    (quota,) = [q for q in needed(beside, 1) if q.name.startswith("ml.m5.xlarge")]
    assert quota.needed == alone + 1
    assert quota.reason == "FetchServingModel and ShardImages"


def test_one_training_job_has_quotas_of_its_own(assembly, dev):
    assert by_name(needed(dev, 3))["Longest run time for a training job"] == 12 * 3600
    month = argument("TrainModel", "StoppingCondition.MaxRuntimeInSeconds", 28 * 24 * 3600)
    (longest,) = [q for q in needed(rewritten(dev, month), 1) if q.name.startswith("Longest")]
    assert longest.needed == 28 * 24 * 3600
    assert longest.reason == "the longest that TrainModel may run, in seconds"
    prod = by_name(needed(assembly.templates("prod"), 3))
    assert prod["Maximum number of instances per training job"] == 2


def test_an_endpoint_needs_its_instances_twice_while_it_is_updated(dev):
    assert by_name(needed(dev, 1))["ml.c5.large for endpoint usage"] == 2
    scaled = copy.deepcopy(dev)
    scaled["serving"]["Resources"]["Target"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "Properties": {"MaxCapacity": 5},
    }
    assert by_name(needed(scaled, 1))["ml.c5.large for endpoint usage"] == 10
