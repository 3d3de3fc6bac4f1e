"""The price table, as far as the reporter needs it."""

import json

from infra.costs import load_prices
from infra.settings import Settings


def prices_of_jobs(settings: Settings) -> str:
    """`{"date": …, "usd_per_hour": {<Region>: {<instance type>: 0.115}}}`, as JSON: an hour of each
    instance type that the pipeline's jobs use, in the environment's Region, or in all that the
    table has where only the credentials say which.
    """
    table = load_prices()
    types = sorted(
        {
            job.instance_type
            for job in (
                settings.manifests,
                settings.serving_model,
                settings.shards,
                settings.training,
                settings.evaluation,
            )
        }
    )
    hours = {
        name: {kind: region.hours[kind] for kind in types if kind in region.hours}
        for name, region in table.regions.items()
        if settings.region in (None, name)
    }
    return json.dumps({"date": str(table.date), "usd_per_hour": hours}, sort_keys=True)
