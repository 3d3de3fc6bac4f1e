"""Every rule of cdk-nag that a resource does not follow, with the reason. There is no other place for one."""

from constructs import IConstruct


def explain(stage: IConstruct) -> None:
    """Acknowledges the exceptions in the stacks of one environment."""
