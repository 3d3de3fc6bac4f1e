"""Names of the jobs and models that steps create."""

from __future__ import annotations

import re
import secrets
import string

_LONGEST = 63
_OF_A_STEP = 20
_LETTERS = string.ascii_letters + string.digits


def resource_name(execution_id: str, step_name: str, prefix: str | None = None) -> str:
    """`pipelines-<execution id>-<step name, 20 characters>-<10 random characters>`, as names of
    AWS's own examples are cut; at most 63 characters.

    prefix: the name in Arguments, where the SDK was told to keep it (use_custom_job_prefix).
    """
    # Random, not seeded: two executions, or two attempts, must never share a name.
    ending = "".join(secrets.choice(_LETTERS) for _ in range(10))
    head = prefix or f"pipelines-{execution_id}-{step_name[:_OF_A_STEP]}"
    head = re.sub(r"[^A-Za-z0-9]+", "-", head)[: _LONGEST - len(ending) - 1]
    return f"{head.strip('-')}-{ending}"
