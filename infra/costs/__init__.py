"""What a run and a month cost: pure functions over JSON that a synthesis wrote, no CDK.

`load_prices()` reads the price table, `load_rates()` the rates that were measured last;
`run_cost(definition, rates, workload, prices, region)` reckons one execution step by step,
`monthly_cost(templates, prices, region)` what an environment costs while nothing happens. The
review, `./scripts/plan` and the dashboard all call these.
"""

from infra.costs.instances import Instance
from infra.costs.prices import DEFAULT_REGION, PriceError, Prices, Region, load_prices
from infra.costs.workload import Workload

__all__ = [
    "DEFAULT_REGION",
    "Instance",
    "PriceError",
    "Prices",
    "Region",
    "Workload",
    "load_prices",
]
