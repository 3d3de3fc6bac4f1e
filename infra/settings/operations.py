"""Settings of `[operations]`."""

from typing import Literal

from pydantic import Field

from infra.settings.section import Section


class Operations(Section):
    """Logs and parallelism."""

    log_days: Literal[7, 14, 30, 90, 365] = Field(
        default=90, description="Days the logs of the Lambda functions are kept."
    )
    max_parallel_steps: int = Field(
        default=4, ge=1, le=50, description="Steps of one execution that may run at once."
    )
