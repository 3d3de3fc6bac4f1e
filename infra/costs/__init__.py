"""What a run and a month cost: pure functions over JSON that a synthesis wrote, no CDK.

`load_prices()` reads the price table, `load_rates()` the rates that were measured last;
`run_cost(definition, rates, workload, prices, region)` costs one execution step by step,
`monthly_cost(templates, prices, region)` what an environment costs while nothing happens. The
review, `./scripts/plan` and the dashboard all call these; docs/planning.md has the formulas.
"""

from infra.costs.durations import EXAMPLE, Workload
from infra.costs.job import Job, jobs_of, with_instances
from infra.costs.monthly_cost import monthly_cost, monthly_usd
from infra.costs.prices import (
    DEFAULT_REGION,
    HOURS_PER_MONTH,
    Instance,
    PriceError,
    Prices,
    Region,
    load_prices,
)
from infra.costs.rates import Rates, load_rates
from infra.costs.run_cost import RunCost, StepCost, limits, run_cost, step_cost, work_of

__all__ = [
    "DEFAULT_REGION",
    "EXAMPLE",
    "HOURS_PER_MONTH",
    "Instance",
    "Job",
    "PriceError",
    "Prices",
    "Rates",
    "Region",
    "RunCost",
    "StepCost",
    "Workload",
    "jobs_of",
    "limits",
    "load_prices",
    "load_rates",
    "monthly_cost",
    "monthly_usd",
    "run_cost",
    "step_cost",
    "with_instances",
    "work_of",
]
