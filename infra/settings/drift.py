"""Settings of `[drift]`: are the classes that are answered still those that were trained on?"""

from pydantic import Field

from infra.settings.section import Section


class Drift(Section):
    """The captured answers' class shares against those of training."""

    every_hours: int = Field(
        default=0,
        ge=0,
        le=168,
        description="Hours between comparisons, each of the answers captured in these hours and, "
        "until there are minimum_predictions, in those before, a week at most; 0 for none. A "
        "comparison costs a few seconds of a function; needs [endpoint] "
        "capture_percent.",
    )
    threshold: float = Field(
        default=0.25,
        ge=0,
        le=1,
        description="Total variation distance of the class shares (0 the same, 1 no class in "
        "common), less what chance explains of it, above which an alarm is raised.",
    )
    minimum_predictions: int = Field(
        default=200,
        ge=1,
        le=10_000_000,
        description="Fewest captured answers that are compared; fewer wait for more.",
    )
    retrain: bool = Field(
        default=True,
        description="Start the pipeline when the alarm is raised, once a model package, which "
        "costs an execution of it; false tells people only.",
    )
