"""What the reporter gets of the other stacks."""

from dataclasses import dataclass

from aws_cdk import aws_s3 as s3

from infra.settings import Settings
from infra.trigger.metrics import NAMESPACE


@dataclass(frozen=True)
class ReporterProps:
    """What it looks at.

    Attributes:
        serving_stack: name of the stack that makes the endpoint; a reference would tie the two
            stacks together for ever.
        working: bucket of evaluations.
        artifacts: bucket of lineage, and of what was told.
    """

    settings: Settings
    pipeline_name: str
    pipeline_arn: str
    serving_stack: str
    working: s3.IBucket
    artifacts: s3.IBucket
    namespace: str = NAMESPACE
