"""The plan: one workload on many instances, by the same estimates as the review's."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, pairwise

from infra.assembly import Definition
from infra.costs import (
    Instance,
    Job,
    Prices,
    Rates,
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
from infra.costs.run_cost import PROCESSING_INSTANCES
from scripts.planning.records import ways
from scripts.planning.scaling import (
    COUNTS,
    Scaling,
    bigger_instead,
    planned_types,
    scaling,
)


@dataclass(frozen=True)
class Question:
    """What is planned; without instance types, on those that are set and bigger ones.

    Attributes:
        deadline: seconds that the run may take; None for any.
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
    """A whole run: type and number of ShardImages' instances, of TrainModel's, and its cost."""

    sharding: tuple[str, int]
    training: tuple[str, int]
    cost: RunCost


class Plan:
    """The answer.

    Attributes:
        workers_per_host: as it is set.
        records: TrainModel as it is set, by the way in which its records come.
        choices: whole runs against which nothing stands but a volume or a time limit that is set.
        cheapest: the one of least USD; like the next ones None where there is no choice.
        fastest: the one of least seconds.
        balanced: the one of least seconds x USD, as if time and money were as dear as each other.
        in_time: the cheapest that ends within the deadline.

    Raises:
        PriceError: the price table lacks the Region, or a type that is set or named.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.jobs = jobs_of(question.definition, question.workload.parameters)
        self.workers_per_host = int(self.jobs["TrainModel"].options["workers_per_host"])
        self.current = self._run(question.definition)
        self.records = ways(self.jobs["TrainModel"], self.work, question.prices, question.region)
        self.sharding = tuple(self._scalings("ShardImages"))
        self.training = tuple(self._scalings("TrainModel"))
        self.choices = tuple(self._choices())
        self.cheapest = min(self.choices, key=lambda c: c.cost.usd, default=None)
        self.fastest = min(self.choices, key=lambda c: c.cost.seconds, default=None)
        self.balanced = min(self.choices, key=lambda c: c.cost.seconds * c.cost.usd, default=None)
        deadline = question.deadline or math.inf
        in_time = (choice for choice in self.choices if choice.cost.seconds <= deadline)
        self.in_time = min(in_time, key=lambda c: c.cost.usd, default=None)

    def workers_on(self, instance: str) -> int:
        """Training workers of one instance: one a GPU, where it has any."""
        return self.instance(instance).gpus or self.workers_per_host

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

    @property
    def bigger(self) -> tuple[str, ...]:
        """Where bigger instances beat more of them."""
        prices = self.question.prices
        pairs = chain(pairwise(self.sharding), pairwise(self.training))
        sentences = (bigger_instead(small, big, prices) for small, big in pairs)
        return tuple(filter(None, sentences))

    def _scalings(self, step: str) -> Iterator[Scaling]:
        asked = self.question
        for name in planned_types(
            self.jobs[step], asked.instance_types, asked.prices, asked.region
        ):
            on_host = 1 if step == "ShardImages" else self.workers_on(name)
            jobs = [self._job(step, name, count) for count in COUNTS]
            region = asked.prices.region(asked.region)
            costs = [step_cost(job, self.work, asked.prices, region) for job in jobs]
            workers = [count * on_host for count in COUNTS]
            against = [
                (*limits(job, self.work, cost, self.instance(name)), *_too_many(number))
                for job, cost, number in zip(jobs, costs, workers, strict=True)
            ]
            yield scaling(costs, workers, against)

    def _job(self, step: str, instance: str, count: int) -> Job:
        job = self.jobs[step]
        arguments = dict(job.options)
        if "workers_per_host" in arguments and step == "TrainModel":
            arguments["workers_per_host"] = str(self.workers_on(instance))
        return replace(job, instance=instance, count=count, options=arguments)

    def _choices(self) -> Iterator[Choice]:
        for training in self.training:
            for row in training.rows:
                if row.workers <= PROCESSING_INSTANCES:
                    hosts = (training.instance, row.cost.count)
                    for sharding in self.sharding:
                        yield self._choice((sharding.instance, row.workers), hosts)

    def _choice(self, sharding: tuple[str, int], training: tuple[str, int]) -> Choice:
        changed = with_instances(
            self.question.definition, {"ShardImages": sharding, "TrainModel": training}
        )
        hyperparameters = changed.arguments("TrainModel")["HyperParameters"]
        hyperparameters["workers_per_host"] = str(self.workers_on(training[0]))
        return Choice(sharding, training, self._run(changed))

    def _run(self, definition: Definition) -> RunCost:
        asked = self.question
        return run_cost(definition, asked.rates, asked.workload, asked.prices, asked.region)

    @cached_property
    def work(self) -> Work:
        """What the run's steps have to do."""
        work = work_of(self.jobs, self.question.rates, self.question.workload)
        assert work is not None  # noqa: S101 - the definition is this pipeline's
        return work

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
