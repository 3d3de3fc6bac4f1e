"""The plan: what must hold whatever is asked."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.costs import PriceError, with_instances
from infra.costs.run_cost import PROCESSING_INSTANCES
from scripts.console import CommandError
from scripts.planning.document import missed_deadline
from scripts.planning.plan import Plan
from scripts.planning.rates import with_assumed_gpus
from scripts.planning.scaling import COUNTS

SOME = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def plan(question):
    return Plan(question())


def test_each_type_is_format_on_every_number_of_instances(plan):
    assert [table.instance for table in plan.training] == ["ml.c5.2xlarge", "ml.c5.4xlarge"]
    for table in plan.sharding + plan.training:
        assert [row.cost.count for row in table.rows] == list(COUNTS)


def test_the_run_as_it_is_set_is_the_tables_row_of_the_same_instances(plan):
    [row] = [row for row in plan.training[0].rows if row.cost.count == 2]
    assert row.cost == plan.current.step("TrainModel")
    [choice] = [
        choice
        for choice in plan.choices
        if choice.training == ("ml.c5.2xlarge", 2) and choice.sharding == ("ml.m5.xlarge", 2)
    ]
    assert choice.cost == plan.current


@given(deadline=st.floats(600, 400_000), objects=st.integers(1000, 20_000_000))
@SOME
def test_what_is_named_for_a_deadline_keeps_it_and_nothing_in_time_is_cheaper(
    question, deadline, objects
):
    plan = Plan(question(objects, deadline=deadline))
    kept = [choice for choice in plan.choices if choice.cost.seconds <= deadline]
    if plan.in_time is None:
        assert not kept
        [sentence] = missed_deadline(plan)
        assert sentence.startswith("No choice ends within")
    else:
        assert plan.in_time.cost.seconds <= deadline
        assert plan.in_time.cost.usd == min(choice.cost.usd for choice in kept)
        assert missed_deadline(plan) == ()


@given(objects=st.tuples(st.integers(1, 20_000_000), st.integers(1, 20_000_000)))
@SOME
def test_more_objects_never_make_a_choice_cheaper_or_faster(question, objects):
    few, many = (Plan(question(count)) for count in sorted(objects))
    assert few.cheapest.cost.usd <= many.cheapest.cost.usd
    assert few.fastest.cost.seconds <= many.fastest.cost.seconds


def test_more_stop_paying_where_time_times_money_no_longer_falls(question):
    [table, *_] = Plan(question(20_000)).training
    knee = table.knee
    after = table.rows[table.rows.index(knee) + 1 :]
    assert after
    assert not after[0].pays
    for row in after:
        assert knee.seconds / row.seconds < row.usd / knee.usd
        assert row.usd_per_hour_saved is None or row.usd_per_hour_saved > 0


def test_an_hour_saved_costs_more_with_each_doubling_once_nothing_more_is_gained(question):
    [table, *_] = Plan(question(20_000)).sharding
    prices = [row.usd_per_hour_saved for row in table.rows[1:]]
    assert prices == sorted(prices)


def test_a_bigger_instance_beats_more_where_workers_wait_for_each_other(plan):
    [sentence] = [each for each in plan.bigger if each.startswith("TrainModel")]
    assert "1 x ml.c5.4xlarge in place of 2 x ml.c5.2xlarge takes" in sentence
    small, big = plan.training
    assert big.rows[0].seconds < small.rows[1].seconds
    assert big.rows[0].usd <= small.rows[1].usd


def test_no_more_workers_than_a_processing_job_can_have_instances(question, definition):
    wide = with_instances(definition, {})
    wide.arguments("TrainModel")["HyperParameters"]["workers_per_host"] = "4"
    plan = Plan(question(definition=wide))
    assert all(choice.sharding[1] <= PROCESSING_INSTANCES for choice in plan.choices)
    [row] = [row for row in plan.training[0].rows if row.cost.count == 32]
    assert row.workers == 128
    assert any("at most 100" in sentence for sentence in row.limits)


def test_a_volume_that_is_too_small_and_a_time_limit_are_told(plan, question):
    assert plan.limits_of(plan.current) == (
        "ShardImages needs 459 GB on each host and has 50: raise its volume_gb.",
    )
    long = Plan(question(parameters={"Epochs": 10_000}))
    assert any("TrainModel would work" in sentence for sentence in long.limits_of(long.current))


def test_types_that_are_named_are_taken_where_they_fit(question):
    plan = Plan(question(instance_types=("ml.c5.2xlarge", "ml.g5.xlarge")))
    # A GPU decodes no JPEG here.
    assert [table.instance for table in plan.sharding] == ["ml.c5.2xlarge"]
    assert [table.instance for table in plan.training] == ["ml.c5.2xlarge", "ml.g5.xlarge"]


def test_a_gpu_has_no_speed_until_it_is_measured_or_assumed(question, rates, definition, prices):
    gpu = ("ml.g5.xlarge", "ml.g5.12xlarge")
    unknown = Plan(question(instance_types=gpu))
    assert all(not table.rows and "GPU A10G" in table.why for table in unknown.training)
    assert unknown.choices == ()
    assumed = with_assumed_gpus(rates, ["A10G=4000"], definition, prices)
    plan = Plan(question(instance_types=gpu, rates=assumed))
    assert plan.cheapest is not None
    one, four = plan.training
    assert [table.rows[0].workers for table in (one, four)] == [1, 4]
    assert four.rows[0].seconds < one.rows[2].seconds
    assert all(choice.sharding[1] <= PROCESSING_INSTANCES for choice in plan.choices)


@pytest.mark.parametrize("text", ["A10G", "A10G=", "A10G=fast", "A10G=0", "H999=1000", "=5"])
def test_a_speed_that_is_none_is_refused_with_the_kinds_that_are_known(
    text, rates, definition, prices
):
    with pytest.raises(CommandError, match="KIND=IMAGES/S with one of A10G"):
        with_assumed_gpus(rates, [text], definition, prices)


def test_a_type_that_the_table_lacks_is_refused_with_the_nearest(question):
    with pytest.raises(
        PriceError, match=r"no instance type ml\.c5\.3xlarge; the nearest is ml\.c5"
    ):
        Plan(question(instance_types=("ml.c5.3xlarge",)))


def test_two_plans_of_one_question_are_the_same(question, plan):
    again = Plan(question())
    assert (again.current, again.training, again.choices) == (
        plan.current, plan.training, plan.choices
    )  # fmt: skip
