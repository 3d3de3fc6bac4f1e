"""The plan: one workload on many instances, by the same estimates as the review's."""

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
from infra.costs.run_cost import PROCESSING_INSTANCES
from scripts.planning.scaling import (
    COUNTS,
    Scaling,
    bigger_instead,
    planned_types,
    scaling,
    times_as_large,
)


@dataclass(frozen=True)
class Question:
    """What is planned.

    Attributes:
        instance_types: for ShardImages and TrainModel; empty for those that are set and the next
            bigger ones.
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
    """A whole run on some instances.

    Attributes:
        sharding: type and number of ShardImages' instances; training: of TrainModel's.
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

    Raises:
        PriceError: the price table lacks the Region, or a type that is set or named.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.jobs = jobs_of(question.definition, question.workload.parameters)
        self.current = self._run(question.definition)
        self.sharding = tuple(self._scalings("ShardImages"))
        self.training = tuple(self._scalings("TrainModel"))

    @property
    def workers_per_host(self) -> int:
        """As it is set."""
        return int(self.jobs["TrainModel"].options["workers_per_host"])

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
        """The one of least USD; None where there is no choice."""
        return min(self.choices, key=lambda choice: choice.cost.usd, default=None)

    @property
    def fastest(self) -> Choice | None:
        """The one of least seconds; None where there is no choice."""
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
        sentences = []
        for table in (self.sharding, self.training):
            for small, big in pairwise(table):
                size = times_as_large(small.instance, big.instance, self.question.prices)
                sentence = bigger_instead(small, big, size) if size > 1 else None
                sentences += [sentence] if sentence else []
        return tuple(sentences)

    def _scalings(self, step: str) -> Iterator[Scaling]:
        asked = self.question
        for name in planned_types(
            self.jobs[step], asked.instance_types, asked.prices, asked.region
        ):
            on_host = 1 if step == "ShardImages" else self.workers_on(name)
            jobs = [self._job(step, name, count) for count in COUNTS]
            costs = [step_cost(job, self.work, asked.prices, self._region) for job in jobs]
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

    def _choice(self, sharding: str, training: str, hosts: int) -> Choice:
        shards = (sharding, hosts * self.workers_on(training))
        changed = with_instances(
            self.question.definition, {"ShardImages": shards, "TrainModel": (training, hosts)}
        )
        hyperparameters = changed.arguments("TrainModel")["HyperParameters"]
        hyperparameters["workers_per_host"] = str(self.workers_on(training))
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
