"""The plan: one workload on many instances, by the same reckoning as the review's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from infra.assembly import Definition
from infra.costs import (
    Instance,
    Job,
    Prices,
    Rates,
    Region,
    RunCost,
    Workload,
    jobs_of,
    limits,
    run_cost,
    step_cost,
    with_instances,
    work_of,
)
from infra.costs.durations import Work
from infra.costs.instances import Use
from infra.costs.limits import PROCESSING_INSTANCES
from scripts.planning.scaling import COUNTS, Scaling, bigger_instead, scaling

# Beside the type that is set, so many bigger ones of its family.
_BIGGER = 2


@dataclass(frozen=True)
class Question:
    """What is planned.

    :ivar instance_types: for ShardImages and TrainModel; empty for those that are set and the next
        bigger ones.
    :ivar deadline: seconds that the run may take; None for any.
    """

    environment: str
    region: str
    definition: Definition
    workload: Workload
    rates: Rates
    prices: Prices
    instance_types: tuple[str, ...] = ()
    deadline: float | None = None


@dataclass(frozen=True)
class Choice:
    """A whole run on some instances.

    :ivar sharding: type and number of ShardImages' instances; training: of TrainModel's.
    """

    sharding: tuple[str, int]
    training: tuple[str, int]
    cost: RunCost

    @property
    def product(self) -> float:
        """Seconds x USD: what is least where time and money are as dear as each other."""
        return self.cost.seconds * self.cost.usd


class Plan:
    """The answer.

    :raises PriceError: the price table lacks the Region, or a type that is set or named.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.jobs = jobs_of(question.definition, question.workload.parameters)
        self.current = self._run(question.definition)
        self.sharding = tuple(self._scalings("ShardImages"))
        self.training = tuple(self._scalings("TrainModel"))

    @property
    def workers_per_host(self) -> int:
        return int(self.jobs["TrainModel"].told["workers_per_host"])

    def limits_of(self, cost: RunCost) -> tuple[str, ...]:
        """What stands against a whole run, in sentences."""
        return tuple(
            sentence
            for step in cost.steps
            for sentence in limits(
                replace(self.jobs[step.step], instance=step.instance, count=step.count),
                self.work,
                step,
                self.instance(step.instance),
            )
        )

    @cached_property
    def choices(self) -> tuple[Choice, ...]:
        """Whole runs against which nothing stands but a volume or a time limit that is set."""
        return tuple(
            self._choice(sharding.instance, training.instance, row.cost.count)
            for training in self.training
            for row in training.rows
            if row.workers <= PROCESSING_INSTANCES
            for sharding in self.sharding
        )

    @property
    def cheapest(self) -> Choice | None:
        return min(self.choices, key=lambda choice: choice.cost.usd, default=None)

    @property
    def fastest(self) -> Choice | None:
        return min(self.choices, key=lambda choice: choice.cost.seconds, default=None)

    @property
    def balanced(self) -> Choice | None:
        """The one of least seconds x USD."""
        return min(self.choices, key=lambda choice: choice.product, default=None)

    @property
    def in_time(self) -> Choice | None:
        """The cheapest that ends within the deadline."""
        deadline = self.question.deadline
        kept = [c for c in self.choices if deadline is None or c.cost.seconds <= deadline]
        return min(kept, key=lambda choice: choice.cost.usd, default=None)

    @property
    def bigger(self) -> tuple[str, ...]:
        """Where bigger instances beat more of them."""
        told = []
        for table in (self.sharding, self.training):
            for small, big in pairwise(table):
                size = self._times(small.instance, big.instance)
                sentence = bigger_instead(small, big, size) if size > 1 else None
                told += [sentence] if sentence else []
        return tuple(told)

    def _times(self, small: str, big: str) -> float:
        """How many of the small one the big one is; 0 where they are of other families."""
        less, more = self.instance(small), self.instance(big)
        if less.family != more.family:
            return 0
        return more.gpus / less.gpus if less.gpus else more.vcpus / less.vcpus

    def _scalings(self, step: str) -> Iterator[Scaling]:
        for instance in self._types(self.jobs[step]):
            on = [
                (replace(self.jobs[step], instance=instance, count=count), workers)
                for count in COUNTS
                for workers in [count if step == "ShardImages" else count * self.workers_per_host]
            ]
            costs = [step_cost(job, self.work, self.question.prices, self._region) for job, _ in on]
            against = [
                (*limits(job, self.work, cost, self.instance(instance)), *_too_many(workers))
                for (job, workers), cost in zip(on, costs, strict=True)
            ]
            yield scaling(costs, [workers for _, workers in on], against)

    def _types(self, job: Job) -> list[str]:
        prices, region = self.question.prices, self.question.region
        usable = prices.types(region, job.use)
        if self.question.instance_types:
            for named in self.question.instance_types:
                prices.hour(named, region, self._some_use(named))
            named_and_usable = [t for t in self.question.instance_types if t in usable]
            kept = [t for t in named_and_usable if job.use == "training" or not self._gpus(t)]
            return kept or [job.instance]
        now = self.instance(job.instance)
        siblings = sorted(
            (prices.instance(t) for t in usable if prices.instance(t).family == now.family),
            key=lambda instance: (instance.gpus, instance.vcpus),
        )
        bigger = [each.name for each in siblings if each.vcpus > now.vcpus]
        return [job.instance, *bigger[:_BIGGER]]

    def _some_use(self, instance: str) -> Use:
        return self.instance(instance).uses[0]

    def _gpus(self, instance: str) -> int:
        return self.instance(instance).gpus

    def _choice(self, sharding: str, training: str, hosts: int) -> Choice:
        shards = (sharding, hosts * self.workers_per_host)
        changed = with_instances(
            self.question.definition, {"ShardImages": shards, "TrainModel": (training, hosts)}
        )
        return Choice(shards, (training, hosts), self._run(changed))

    def _run(self, definition: Definition) -> RunCost:
        asked = self.question
        return run_cost(definition, asked.rates, asked.workload, asked.prices, asked.region)

    @cached_property
    def work(self) -> Work:
        """What the run's steps have to do."""
        work = work_of(self.jobs, self.question.rates, self.question.workload)
        assert work is not None  # noqa: S101 - the definition is this pipeline's
        return work

    @property
    def _region(self) -> Region:
        return self.question.prices.region(self.question.region)

    def instance(self, name: str) -> Instance:
        """What a type is."""
        return self.question.prices.instance(name)


def _too_many(workers: int) -> tuple[str, ...]:
    if workers <= PROCESSING_INSTANCES:
        return ()
    return (
        f"{workers} workers need as many ShardImages instances, and a processing job has at most "
        f"{PROCESSING_INSTANCES}.",
    )
