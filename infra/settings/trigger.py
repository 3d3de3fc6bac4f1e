"""Settings of `[trigger]`: how often drops and drift may start an execution."""

from pydantic import Field

from infra.settings.section import Section


class Trigger(Section):
    """The two guards between drops and executions."""

    concurrent_executions: int = Field(
        default=1,
        ge=1,
        le=10,
        description="Executions that may run at once, those that a person started counted too; "
        "drops that come meanwhile wait and go into one execution together. Each one more costs "
        "another execution's instances at the same time.",
    )
    executions_per_day: int = Field(
        default=24,
        ge=0,
        le=1000,
        description="Executions that drops and drift may start in any 24 hours without a person; "
        "beyond, they wait for ./scripts/drops --release, or for the 24 hours to pass, and people "
        "are told. 0 for no limit: then only concurrent_executions bounds what a day costs.",
    )
