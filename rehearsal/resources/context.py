"""What every operation works with."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rehearsal import aws
from rehearsal.aws import Allows
from rehearsal.backends import AcceptAsync, EndpointBackend, JobBackend, PipelineBackend
from rehearsal.errors import conflict
from rehearsal.events import Events
from rehearsal.pipelines.metrics import ExecutionMetrics
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Store

Record = dict[str, Any]
_ONCE = "client-request"


@dataclass
class Context:
    """The parts behind the API. Those that need its `call` are set after it is made."""

    settings: RehearsalSettings
    store: Store
    events: Events
    execution_metrics: ExecutionMetrics
    jobs: JobBackend = field(init=False)
    endpoints: EndpointBackend = field(init=False)
    pipelines: PipelineBackend = field(init=False)
    accept_async: AcceptAsync = field(init=False)
    allows: Allows = field(init=False)

    def arn(self, resource: str) -> str:
        """The ARN of e.g. `model/mine`."""
        return aws.arn(self.settings, "sagemaker", resource)

    def once(self, operation: str, request: Record, work: Callable[[], str]) -> str:
        """Does `work` once for one ClientRequestToken, and returns the ARN that came of it.

        Both are one transaction: a server that is killed in between has done neither.

        Raises:
            ApiError: ConflictException, the token was used with another request.
        """
        token = request.get("ClientRequestToken")
        if not token:
            with self.store.transaction():
                return work()
        rest = {key: value for key, value in request.items() if key != "ClientRequestToken"}
        text = json.dumps(rest, sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()
        with self.store.transaction():
            name = f"{operation}/{token}"
            used = self.store.get(_ONCE, name)
            if used is None:
                arn = work()
                self.store.add(_ONCE, name, f"{_ONCE}/{name}", {"Request": digest, "Arn": arn})
                return arn
        if used.record["Request"] != digest:
            raise conflict(
                f"The ClientRequestToken {token} was used by a {operation} with other parameters."
            )
        return str(used.record["Arn"])


Handler = Callable[[Context, Record], Record]
