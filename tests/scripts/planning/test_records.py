"""In which way records reach training's hosts at least cost."""

import json
from copy import deepcopy

import pytest

from infra.assembly import Definition
from scripts.document import markdown
from scripts.planning.answer import as_json
from scripts.planning.document import document
from scripts.planning.plan import Plan
from scripts.planning.records import WAYS, cheapest


@pytest.fixture(scope="module")
def large(question, definition):
    """A plan of images of 224 x 224."""
    changed = Definition(deepcopy(definition.content))
    changed.arguments("TrainModel")["HyperParameters"]["image_size"] = "224"
    words = changed.arguments("ShardImages")["AppSpecification"]["ContainerArguments"]
    words[words.index("--image-size") + 1] = "224"
    return Plan(question(definition=changed))


def test_each_way_has_its_disk_and_copying_and_the_one_that_is_set_is_the_plans(large):
    assert [(way.input_mode, way.distribution) for way in large.records] == list(WAYS)
    assert [way.is_set for way in large.records] == [True, False, False, False]
    whole, share, *streamed = large.records
    assert whole.stored_gb > share.stored_gb > 0
    assert whole.copying_seconds > share.copying_seconds > 0
    assert whole.cost.seconds == large.current.step("TrainModel").seconds
    assert [way.fits for way in large.records] == [False, False, True, True]
    assert all((way.stored_gb, way.copying_seconds) == (0, 0) for way in streamed)


def test_what_is_cheapest_is_told_and_which_do_not_fit(large):
    told = cheapest(large.records)
    assert told.startswith("Cheapest is input_mode FastFile and distribution FullyReplicated: ")
    assert told.endswith("% less than what is set.")
    text = markdown(document(large, 0))
    assert told in text
    assert "as it is set, ! more than a host has" in text
    assert any("or set input_mode to FastFile" in each for each in large.limits_of(large.current))


def test_a_difference_that_is_none_is_not_made_one(question):
    plan = Plan(question())
    assert cheapest(plan.records) == "What is set costs least, or within 2% of it."


def test_where_no_rate_is_known_disk_and_copying_still_are(question, definition):
    changed = Definition(deepcopy(definition.content))
    changed.arguments("TrainModel")["ResourceConfig"]["InstanceType"] = "ml.g5.xlarge"
    plan = Plan(question(definition=changed))
    assert cheapest(plan.records) == ""
    assert plan.records[0].stored_gb > 0
    answer = json.loads(as_json(plan, 0))["training_records"]
    assert [way["usd"] for way in answer] == [None] * 4
    assert answer[0]["gb_on_a_host"] == plan.records[0].stored_gb
    assert "| ? |" in markdown(document(plan, 0))
