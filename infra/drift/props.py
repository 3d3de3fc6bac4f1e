"""What every part of it gets."""

from dataclasses import dataclass

from aws_cdk import aws_s3 as s3

from infra.settings import Settings


@dataclass(frozen=True, kw_only=True)
class DriftProps:
    """All of it.

    Attributes:
        stack_name: the serving stack, whose parameter is the model package that is served.
        parameter: that parameter.
        captured: bucket of captured answers.
        capture_prefix: where in it those of the endpoint's variant lie, with a slash at its end.
        records: bucket of the executions' `dataset.json`, and of what is kept of comparisons.
    """

    settings: Settings
    endpoint_name: str
    stack_name: str
    parameter: str
    captured: s3.IBucket
    capture_prefix: str
    records: s3.IBucket
    pipeline_name: str
    pipeline_arn: str
