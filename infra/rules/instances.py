"""Instance types are those that the Region has."""

from collections.abc import Callable, Iterator

from infra.rules.finding import Finding
from infra.rules.jobs import Job

Offered = Callable[[str], bool]
"""Is an instance type offered?"""


def offered(job: Job, region: str | None, is_offered: Offered) -> Iterator[Finding]:
    """The table of prices has the type in the Region, or anywhere where no Region is set."""
    instance_type = job.cluster.get("InstanceType")
    if isinstance(instance_type, str) and not is_offered(instance_type):
        yield Finding(
            job.name,
            "instance-type",
            f"{job.cluster_path}.InstanceType",
            f"infra/costs/prices.toml has no {instance_type}{f' in {region}' if region else ''}: "
            "use another type, or add its price",
        )
