"""What stands against a job of a size: SageMaker's limits, and what its definition allows."""

import math

from infra.costs.durations import Work
from infra.costs.instances import Instance
from infra.costs.job import Job
from infra.costs.run_cost import StepCost
from infra.volumes import volume_key

# https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
PROCESSING_INSTANCES = 100


def stored_bytes(job: Job, work: Work) -> float:
    """Bytes of inputs and outputs on one host of a job."""
    if job.step == "ShardImages":
        objects = math.ceil(work.workload.objects / job.count)
        return objects * (work.workload.mean_bytes + work.record_bytes)
    if job.step == "TrainModel":
        return (work.split.train + work.split.validation) * work.record_bytes
    return work.split.test * work.record_bytes if job.step == "EvaluateModel" else 0.0


def limits(job: Job, work: Work, cost: StepCost, instance: Instance) -> tuple[str, ...]:
    """Why a job would not run as it is asked for, a sentence each; empty where it would."""
    found = []
    if job.use == "processing" and job.count > PROCESSING_INSTANCES:
        found.append(
            f"{job.step} would have {job.count} instances, and a processing job has at most "
            f"{PROCESSING_INSTANCES}."
        )
    # Where there is no volume that a key could be for, there are disks of the instance's own.
    has_volume = volume_key(instance.name, "key") is not None
    needed = math.ceil(stored_bytes(job, work) / 1e9)
    if has_volume and needed > job.volume_gb:
        found.append(
            f"{job.step} needs {needed} GB on each host and has {job.volume_gb:.0f}: raise its "
            "volume_gb."
        )
    working = sum(cost.parts.values())
    if job.max_seconds is not None and working > job.max_seconds:
        found.append(
            f"{job.step} would work {working:.0f} s and is stopped after {job.max_seconds:.0f}: "
            "raise its max_runtime_seconds."
        )
    return tuple(found)
