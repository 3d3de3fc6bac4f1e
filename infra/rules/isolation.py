"""Jobs have no network but what they need."""

from collections.abc import Iterator

from infra.rules.finding import Finding
from infra.rules.jobs import Job

_ISOLATION = {
    "Processing": "NetworkConfig.EnableNetworkIsolation",
    "Training": "EnableNetworkIsolation",
}


def network_isolation(job: Job) -> Iterator[Finding]:
    """A job's containers make no connections; who has to is an exception with its reason.

    https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html
    """
    path = _ISOLATION.get(job.type)
    if path and job.argument(path) is not True:
        yield Finding(
            job.name,
            "network-isolation",
            path,
            "the containers have a network: set it to true, or say in infra/exceptions/rules.py "
            "what they ask",
        )
