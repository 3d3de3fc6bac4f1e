"""Where in a VPC the machines of jobs and models are; knows nothing of the CDK."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Subnets, one an availability zone, and the security group of each kind of machine.

    The values are ids and may be CDK tokens.

    Attributes:
        vpc: the VPC of all of them.
        processing: of processing jobs.
        training: of training jobs, whose hosts reach each other.
        models: of the endpoint's instances.
    """

    vpc: str
    subnets: tuple[str, ...]
    processing: str
    training: str
    models: str
