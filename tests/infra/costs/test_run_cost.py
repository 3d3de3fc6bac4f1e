"""What a run costs, of the definition that the synthesis wrote: what must hold for any numbers."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.assembly import Definition
from infra.costs import Workload, jobs_of, load_prices, load_rates, run_cost, with_instances

PRICES, RATES = load_prices(), load_rates()
OBJECTS = st.integers(1, 50_000_000)
BYTES = st.floats(1, 1e8)
ANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def definition(assembly) -> Definition:
    return assembly.definition("prod")


def cost(definition, objects=100_000, mean=100e3, region=None, **parameters):
    return run_cost(definition, RATES, Workload(objects, mean, parameters), PRICES, region)


@given(objects=st.tuples(OBJECTS, OBJECTS), mean=BYTES)
@ANY
def test_more_objects_never_take_less_time_money_or_carbon(definition, objects, mean):
    few, many = (cost(definition, count, mean) for count in sorted(objects))
    assert few.seconds <= many.seconds
    assert few.usd <= many.usd
    assert few.kg_co2e <= many.kg_co2e


@given(objects=OBJECTS, means=st.tuples(BYTES, BYTES))
@ANY
def test_larger_files_never_take_less(definition, objects, means):
    small, large = (cost(definition, objects, mean) for mean in sorted(means))
    assert small.seconds <= large.seconds
    assert small.usd <= large.usd


@given(objects=OBJECTS, mean=BYTES, epochs=st.integers(1, 500))
@ANY
def test_a_run_lasts_as_long_as_its_longest_chain_of_steps(definition, objects, mean, epochs):
    run = cost(definition, objects, mean, Epochs=epochs)
    chain = sum(
        run.step(name).seconds
        for name in ("CreateManifests", "ShardImages", "TrainModel", "EvaluateModel")
    )
    alone = run.step("FetchServingModel").seconds + run.step("EvaluateModel").seconds
    assert run.seconds == pytest.approx(max(chain, alone))
    assert run.usd == pytest.approx(sum(step.usd for step in run.steps) + run.requests_usd)


@given(objects=OBJECTS, count=st.integers(1, 50))
@ANY
def test_twice_the_instances_never_make_sharding_slower(definition, objects, count):
    one, two = (
        cost(with_instances(definition, {"ShardImages": ("ml.m5.xlarge", n)}), objects)
        for n in (count, 2 * count)
    )
    assert two.step("ShardImages").seconds <= one.step("ShardImages").seconds


def test_the_default_of_a_parameter_counts_where_none_is_given(definition):
    default = definition.parameters["Epochs"]
    assert cost(definition) == cost(definition, Epochs=default)
    assert cost(definition, Epochs=default + 1).seconds > cost(definition).seconds


def test_spare_capacity_costs_the_assumed_share_less_and_takes_as_long(definition):
    changed = Definition(with_instances(definition, {}).content)
    changed.arguments("TrainModel")["EnableManagedSpotTraining"] = True
    on_demand, spot = (cost(each).step("TrainModel") for each in (definition, changed))
    assert spot.is_spot
    assert not on_demand.is_spot
    assert spot.seconds == on_demand.seconds
    # What is stored costs the same.
    assert (1 - PRICES.spot_discount) < spot.usd / on_demand.usd < (1 - PRICES.spot_discount) * 1.05


def test_a_region_counts_with_its_prices_and_its_grid(definition):
    virginia, ireland = cost(definition), cost(definition, region="eu-west-1")
    assert ireland.usd > virginia.usd
    assert ireland.kg_co2e < virginia.kg_co2e
    assert ireland.seconds == virginia.seconds


def test_a_gpu_that_was_not_measured_has_no_speed_and_the_sums_leave_it_out(definition):
    run = cost(with_instances(definition, {"TrainModel": ("ml.g5.xlarge", 2)}))
    [unknown] = run.unknown
    assert unknown.step == "TrainModel"
    assert "on the GPU A10G was measured" in unknown.why
    assert run.usd < cost(definition).usd


def test_a_step_that_nobody_measured_is_told_and_not_guessed(definition):
    changed = with_instances(definition, {})
    step = {**changed.steps["CreateManifests"], "Name": "Deduplicate"}
    changed.content["Steps"].append(step)
    run = cost(Definition(changed.content))
    assert run.step("Deduplicate").seconds is None
    assert run.step("Deduplicate").why == "no rate is known of a step Deduplicate"
    assert run.usd == cost(definition).usd


def test_a_job_is_read_with_its_arguments_and_hyperparameters(definition):
    jobs = jobs_of(definition, {"Epochs": 7})
    assert jobs["TrainModel"].options["epochs"] == "7"
    assert jobs["CreateManifests"].options["validation_fraction"] == "0.15"
    assert jobs["ShardImages"].count == jobs["TrainModel"].count * int(
        jobs["TrainModel"].options["workers_per_host"]
    )


@pytest.mark.parametrize(("objects", "mean"), [(0, 1), (-1, 1), (1, 0)])
def test_nothing_is_no_workload(objects, mean):
    with pytest.raises(ValueError, match="give at least one object"):
        Workload(objects, mean)
