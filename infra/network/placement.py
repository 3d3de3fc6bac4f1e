"""Where in a VPC the machines of jobs and models are; knows nothing of the CDK."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Subnets, one an availability zone, and the security group of each kind of machine.

    The values are ids and may be CDK tokens.

    :ivar vpc: the VPC of all of them.
    :ivar processing: of processing jobs.
    :ivar training: of training jobs, whose hosts reach each other.
    :ivar models: of the endpoint's instances.
    """

    vpc: str
    subnets: tuple[str, ...]
    processing: str
    training: str
    models: str
