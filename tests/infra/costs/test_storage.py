"""What training's hosts store and wait for, by the way in which records reach them."""

import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.costs import Workload, jobs_of, load_prices, load_rates, step_cost, work_of
from infra.costs.durations import copied_bytes
from infra.costs.job import Channel
from infra.costs.records import INDEX_BYTES
from infra.costs.storage import storage_problems, stored_gb, with_records

PRICES, RATES = load_prices(), load_rates()
OBJECTS = st.integers(1, 200_000_000)
HOSTS = st.integers(1, 64)
ANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def planned(assembly):
    """A training job of so many hosts and the work of so many objects."""
    definition = assembly.definition("prod")

    def plan(objects, hosts=2, **changes):
        jobs = jobs_of(definition)
        job = replace(jobs["TrainModel"], count=hosts, channels={}, **changes)
        return job, work_of(jobs, RATES, Workload(objects, 180e3))

    return plan


def parts(job, work):
    return step_cost(job, work, PRICES, PRICES.region("us-east-1")).parts


@given(objects=OBJECTS, hosts=HOSTS)
@ANY
def test_a_host_copies_all_its_share_or_nothing(planned, objects, hosts):
    job, work = planned(objects, hosts)
    whole = parts(with_records(job, "File", "FullyReplicated"), work)["download"]
    share = parts(with_records(job, "File", "ShardedByS3Key", "ShardedByS3Key"), work)["download"]
    assert share == pytest.approx(whole / hosts)
    for distribution in ("FullyReplicated", "ShardedByS3Key"):
        streamed = with_records(job, "FastFile", distribution)
        assert parts(streamed, work)["download"] == 0
        assert stored_gb(streamed, work) == 0


def test_the_index_is_on_every_host_whatever_records_are_not(planned):
    job, work = planned(100_000_000, hosts=4)
    job = replace(job, channels={"index": Channel()})
    whole = copied_bytes(with_records(job, "File", "FullyReplicated"), work)
    for mode, distribution, part in (
        ("File", "ShardedByS3Key", 1 / 4),
        ("FastFile", "FullyReplicated", 0),
    ):
        other = copied_bytes(with_records(job, mode, distribution, distribution), work)
        index = (1 - part) * whole / work.record.bytes * INDEX_BYTES
        assert other == pytest.approx(part * whole + index)
    assert stored_gb(with_records(job, "FastFile", "FullyReplicated"), work) == 2


@given(objects=OBJECTS, hosts=HOSTS)
@ANY
def test_streaming_takes_no_time_but_what_computing_leaves_no_room_for(planned, objects, hosts):
    job, work = planned(objects, hosts)
    copied = parts(with_records(job, "File", "FullyReplicated"), work)
    streamed = parts(with_records(job, "FastFile", "FullyReplicated"), work)
    assert copied["waiting for S3"] == 0
    assert {**streamed, "download": 0, "waiting for S3": 0} == {**copied, "download": 0}
    epochs = int(job.options["epochs"])
    # Each host reads its workers' part, epoch by epoch.
    read = epochs * copied["download"] / hosts
    busy = copied["computing"] + copied["validation"]
    assert streamed["waiting for S3"] == pytest.approx(max(0, read - busy), abs=1e-6)


@given(objects=OBJECTS, hosts=HOSTS, volume=st.integers(1, 16_384))
@ANY
def test_a_host_without_room_is_told_what_fits(planned, objects, hosts, volume):
    job, work = planned(objects, hosts, volume_gb=volume)
    instance = PRICES.instance(job.instance)
    told = list(storage_problems(job, work, instance))
    assert bool(told) == (stored_gb(job, work) > volume)
    for sentence in told:
        assert "set input_mode to FastFile (0 GB)" in sentence
        for validation in ("FullyReplicated", "ShardedByS3Key"):
            other = with_records(job, "File", "ShardedByS3Key", validation)
            if stored_gb(other, work) <= volume:
                assert f"to ShardedByS3Key ({stored_gb(other, work):,} GB)" in sentence
                break
        else:
            assert "ShardedByS3Key" not in sentence
        assert ("raise its volume_gb" in sentence) == (stored_gb(job, work) <= 16_384)


def test_an_instance_with_disks_of_its_own_has_those_and_no_volume(planned):
    job, work = planned(5_000_000, instance="ml.g4dn.xlarge", volume_gb=16_384)
    instance = PRICES.instance(job.instance)
    assert list(storage_problems(job, work, instance)) == []
    job, work = planned(50_000_000, instance="ml.g4dn.xlarge", volume_gb=16_384)
    [told] = storage_problems(job, work, instance)
    needed = math.ceil(50_000_000 * 0.85 * work.record.bytes / 1e9)
    assert told.startswith(f"TrainModel needs {needed} GB on each host and has 125: set ")


def test_no_volume_holds_more_than_the_largest(assembly):
    jobs = jobs_of(assembly.definition("prod"))
    work = work_of(jobs, RATES, Workload(1_000_000_000, 180e3))
    for step, said in (("ShardImages", "take more hosts"), ("EvaluateModel", "raise its")):
        [told] = storage_problems(jobs[step], work, PRICES.instance(jobs[step].instance))
        assert said in told
