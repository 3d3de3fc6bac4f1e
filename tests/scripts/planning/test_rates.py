"""Rates of recorded runs, and what they foretell of other recorded runs."""

from dataclasses import replace

import pytest

from infra.costs import Workload, run_cost, with_instances
from infra.costs.rates import Sharding
from scripts.console import CommandError
from scripts.planning.rates import measured_rates
from scripts.planning.recorded import Machine

# How far a foretold time may lie from the measured one: other programs ran beside these runs.
FACTOR = 2
STEPS = ("CreateManifests", "ShardImages", "TrainModel", "EvaluateModel")


def foretold(rates, prices, definition, run):
    """The seconds of a recorded run's steps, on the machine of a rehearsal.

    The hosts of a step share its cores, and instances are there at once.
    """
    cores = run.machine.cores
    instances = {
        job.instance: replace(
            prices.instance(job.instance), vcpus=cores / job.count, network_gbit=8
        )
        for step, job in run.jobs.items()
    }
    here = replace(prices, instances={**prices.instances, **instances})
    at_once = rates.assumed.model_copy(update={"start_up_seconds": 0, "latency_seconds": 1e-3})
    changed = with_instances(
        definition,
        {step: (job.instance, job.count) for step, job in run.jobs.items() if step in STEPS},
    )
    epochs = len(run.training.history)
    workload = Workload(run.objects, run.mean_bytes, {"Epochs": epochs})
    rates = rates.model_copy(update={"assumed": at_once})
    cost = run_cost(changed, rates, workload, here, None)
    return {step: cost.step(step).seconds for step in STEPS}


@pytest.mark.parametrize("names", [("one_host_more", "two_hosts"), ("two_hosts", "one_host_more")])
def test_one_host_foretells_two_and_two_foretell_one(names, recorded, rates, prices, definition):
    measured, other = names
    found = measured_rates([recorded(measured)], rates, prices)
    run = recorded(other)
    for step, seconds in foretold(found, prices, definition, run).items():
        assert seconds / run.jobs[step].seconds == pytest.approx(1, rel=FACTOR - 1), step
        assert run.jobs[step].seconds / seconds == pytest.approx(1, rel=FACTOR - 1), step


def test_a_run_foretells_itself(recorded, rates, prices, definition):
    run = recorded("one_host_more")
    found = measured_rates([run], rates, prices)
    for step, seconds in foretold(found, prices, definition, run).items():
        assert seconds == pytest.approx(run.jobs[step].seconds, rel=0.25), step


def test_what_a_rehearsal_cannot_tell_of_aws_stays_as_it_was_assumed(recorded, rates, prices):
    found = measured_rates([recorded("two_hosts")], rates, prices)
    assert found.assumed == rates.assumed
    assert not found.measured.is_aws
    assert found.measured.machine == "AMD EPYC, 2 cores"
    assert "2368 objects of 133534 bytes, ShardImages hosts: 2, training workers: 2" in (
        found.measured.run
    )


def test_a_run_on_aws_is_format_by_its_instances_and_measures_their_start(recorded, rates, prices):
    run = recorded("two_hosts")
    jobs = {
        step: job.model_copy(update={"waiting_seconds": 200.0}) for step, job in run.jobs.items()
    }
    on_aws = run.model_copy(update={"machine": Machine(name="AWS"), "jobs": jobs})
    found = measured_rates([on_aws], rates, prices)
    assert found.measured.is_aws
    assert found.assumed.start_up_seconds == 200
    # Of ml.c5.2xlarge's eight vCPUs, where the rehearsal had one a host.
    here = measured_rates([run], rates, prices)
    assert found.training[-1].seconds_per_image == pytest.approx(
        8 * here.training[-1].seconds_per_image
    )


def test_a_gpu_is_measured_by_the_gpu(recorded, rates, prices):
    run = recorded("one_host_more")
    jobs = run.jobs | {
        "TrainModel": run.jobs["TrainModel"].model_copy(update={"instance": "ml.g5.xlarge"})
    }
    on_aws = run.model_copy(update={"machine": Machine(name="AWS"), "jobs": jobs})
    found = measured_rates([on_aws], rates, prices)
    assert found.training_of("small_cnn", "float32", "A10G") is not None
    assert found.training_of("small_cnn", "float32", "cpu") == rates.training[0]
    assert found.training_of("small_cnn", "float32", "T4") is None


def test_the_time_of_encoding_is_none_of_decoding(recorded, rates, prices):
    run = recorded("one_host_more")
    raw = run.reports[0]
    seconds = raw.seconds + raw.records / 2 * 32**2 * 22e-9
    jpeg = raw.model_copy(update={"encoding": "jpeg", "seconds": seconds})
    encoded = run.model_copy(update={"reports": [jpeg]})
    found, plain = (measured_rates([each], rates, prices).sharding for each in (encoded, run))
    assert found.vcpu_seconds_per_object == pytest.approx(plain.vcpu_seconds_per_object)


def test_runs_of_several_sizes_are_fitted_and_their_line_is_found_again(recorded, rates, prices):
    base, line = recorded("one_host_more"), (0.5, 2e-4, 1.5e-8)

    def made(objects: int, size: float):
        seconds = line[0] + objects / 2 * (line[1] + size * line[2])
        report = base.reports[0].model_copy(update={"records": objects, "seconds": seconds})
        return base.model_copy(
            update={"objects": objects, "bytes": int(objects * size), "reports": [report]}
        )

    runs = [made(1000, 20_000), made(5000, 150_000), made(2000, 90_000)]
    found: Sharding = measured_rates(runs, rates, prices).sharding
    assert found.serial_seconds == pytest.approx(line[0], rel=0.01)
    assert found.vcpu_seconds_per_object == pytest.approx(line[1], rel=0.01)
    assert found.vcpu_seconds_per_byte == pytest.approx(line[2], rel=0.01)
    assert found.measured_bytes == (20_000, 90_000, 150_000)


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ({"reports": []}, "has no reports of ShardImages"),
        ({"training": {"history": []}}, "has no epochs in its training.json"),
    ],
)
def test_a_run_that_left_nothing_to_measure_is_refused(lost, said, recorded, rates, prices):
    run = recorded("one_host")
    if "training" in lost:
        lost = {"training": run.training.model_copy(update=lost["training"])}
    with pytest.raises(CommandError, match=said):
        measured_rates([run.model_copy(update=lost)], rates, prices)


def test_rates_are_kept_as_they_are_read_again(rates):
    assert type(rates).model_validate_json(rates.model_dump_json()) == rates
