"""Settings of `[data]`."""

from pydantic import Field

from infra.settings.section import Section


class Data(Section):
    """Buckets and how long they keep what they hold."""

    retain: bool = Field(
        default=True,
        description="Protect stacks from being destroyed; keep buckets, keys and logs.",
    )
    noncurrent_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days an overwritten or deleted object can still be restored.",
    )
    working_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days an execution's manifests, shards, checkpoints and metrics are kept.",
    )
    inference_days: int = Field(
        default=30,
        ge=1,
        le=3650,
        description="Days captured answers and the requests and answers of an asynchronous "
        "endpoint are kept.",
    )
    access_log_days: int = Field(
        default=365, ge=1, le=3650, description="Days S3 access logs are kept."
    )
