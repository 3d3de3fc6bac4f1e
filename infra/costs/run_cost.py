"""What one execution of a pipeline takes: time, money and carbon, step by step."""

from collections.abc import Mapping
from dataclasses import dataclass

from infra.assembly import Definition
from infra.costs.durations import NoRateError, Parts, Split, Work, Workload, working_parts
from infra.costs.job import Job, jobs_of
from infra.costs.prices import HOURS_PER_MONTH, Instance, Prices, Region, Use
from infra.costs.rates import Rates
from infra.costs.records import RecordFormat
from infra.costs.storage import storage_problems

# https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
PROCESSING_INSTANCES = 100


@dataclass(frozen=True)
class StepCost:
    """What a step takes; `seconds`, `usd` and `kg_co2e` are None where unknown (see `why`).

    Attributes:
        seconds: from its request to its end.
        waiting_seconds: of these, until its instances are there, which is not billed.
        parts: seconds of the rest, by what they go into.
        usd: instances and their storage.
        why: why the seconds are not known; empty where they are.
    """

    step: str
    use: Use
    instance: str
    count: int
    is_spot: bool
    seconds: float | None
    waiting_seconds: float
    parts: Parts
    usd: float | None
    kg_co2e: float | None
    why: str = ""


@dataclass(frozen=True)
class RunCost:
    """What an execution takes. Sums are over the steps whose seconds are known.

    Attributes:
        seconds: until its last step ends; steps that don't wait for each other overlap.
        usd: of all steps and of the requests to S3.
    """

    steps: tuple[StepCost, ...]
    seconds: float
    requests_usd: float

    @property
    def usd(self) -> float:
        """Of the steps and the requests to S3."""
        return self.requests_usd + sum(step.usd or 0 for step in self.steps)

    @property
    def kg_co2e(self) -> float:
        """Of the steps."""
        return sum(step.kg_co2e or 0 for step in self.steps)

    @property
    def unknown(self) -> tuple[StepCost, ...]:
        """The steps that the sums leave out."""
        return tuple(step for step in self.steps if step.seconds is None)

    def step(self, name: str) -> StepCost:
        """The cost of one step, which there must be."""
        return next(step for step in self.steps if step.step == name)


def run_cost(
    definition: Definition,
    rates: Rates,
    workload: Workload,
    prices: Prices,
    region: str | None,
) -> RunCost:
    """The cost of one execution of a definition; `with_instances` gives one on other instances.

    Args:
        region: us-east-1 where it is None.

    Raises:
        PriceError: the price table lacks an instance type or the Region.
    """
    jobs = jobs_of(definition, workload.parameters)
    work, of_region = work_of(jobs, rates, workload), prices.region(region)
    costs = {name: step_cost(job, work, prices, of_region) for name, job in jobs.items()}
    return RunCost(
        tuple(costs.values()),
        _last_end(definition, costs),
        _requests_usd(workload, of_region),
    )


def step_cost(job: Job, work: Work | None, prices: Prices, region: Region) -> StepCost:
    """The cost of one step.

    Args:
        work: None where the definition doesn't say what the steps have to do.

    Raises:
        PriceError: the price table lacks its instance type.
    """
    hour = prices.hour(job.instance, region.name, job.use)
    instance = prices.instance(job.instance)
    try:
        if work is None:
            raise NoRateError("the definition isn't this pipeline's")
        parts = working_parts(job, work, instance)
    except NoRateError as error:
        return StepCost(
            job.step, job.use, job.instance, job.count, job.is_spot, None, 0, {}, None, None,
            str(error),
        )  # fmt: skip
    seconds, waiting = sum(parts.values()), work.rates.assumed.start_up_seconds
    hours = job.count * seconds / 3600
    discount = prices.spot_discount if job.is_spot else 0
    gb_months = job.volume_gb * hours / HOURS_PER_MONTH
    return StepCost(
        step=job.step,
        use=job.use,
        instance=job.instance,
        count=job.count,
        is_spot=job.is_spot,
        seconds=seconds + waiting,
        waiting_seconds=waiting,
        parts=parts,
        usd=hours * hour * (1 - discount) + gb_months * region.other["job_storage_gb_month"],
        kg_co2e=hours * instance.watts / 1000 * region.kg_co2e_per_kwh,
    )


def work_of(jobs: Mapping[str, Job], rates: Rates, workload: Workload) -> Work | None:
    """What the jobs of an execution have to do; None where they aren't this pipeline's."""
    if not {"CreateManifests", "ShardImages"} <= jobs.keys():
        return None
    split = Split.of(workload.objects, jobs["CreateManifests"])
    return Work(workload, split, RecordFormat.of(jobs["ShardImages"].options), rates)


def _last_end(definition: Definition, costs: Mapping[str, StepCost]) -> float:
    ends: dict[str, float] = {}

    def end(step: str) -> float:
        if step not in ends:
            begin = max(map(end, definition.waits_for(step) & definition.steps.keys()), default=0)
            ends[step] = begin + (costs[step].seconds or 0 if step in costs else 0)
        return ends[step]

    return max(map(end, definition.steps), default=0)


def _requests_usd(workload: Workload, region: Region) -> float:
    """One read an object by ShardImages, and a listing of a thousand at a time."""
    reads = workload.objects / 1000 * region.other["s3_thousand_reads"]
    lists = workload.objects / 1000 / 1000 * region.other["s3_thousand_writes"]
    return reads + lists


def limits(job: Job, work: Work, cost: StepCost, instance: Instance) -> tuple[str, ...]:
    """Why a job would not run as it is asked for, a sentence each; empty where it would."""
    found = []
    if job.use == "processing" and job.count > PROCESSING_INSTANCES:
        found.append(
            f"{job.step} would have {job.count} instances, and a processing job has at most "
            f"{PROCESSING_INSTANCES}."
        )
    found += storage_problems(job, work, instance)
    working = sum(cost.parts.values())
    if job.max_seconds is not None and working > job.max_seconds:
        found.append(
            f"{job.step} would work {working:.0f} s and is stopped after {job.max_seconds:.0f}: "
            "raise its max_runtime_seconds."
        )
    return tuple(found)
