"""The invocations that wait for an instance, and who takes them."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rehearsal import aws
from rehearsal.asynchronous.invocation import NoServerError, Runner, read_request
from rehearsal.backends import Response
from rehearsal.endpoints import metrics
from rehearsal.errors import ApiError
from rehearsal.resources import endpoints, variants
from rehearsal.resources.context import Context
from rehearsal.service_model import now
from rehearsal.settings import RehearsalSettings
from rehearsal.supervised import Failures, SupervisedThread


class BacklogMetrics:
    """Keeps data points of asynchronous endpoints until they are published, from any thread:
    https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
    """

    def __init__(self, settings: RehearsalSettings) -> None:
        self._settings = settings
        self._data: deque[dict[str, Any]] = deque()

    def backlog(self, endpoint: str, waiting: int, oldest_seconds: float, instances: int) -> None:
        """What an endpoint has to do now.

        Args:
            waiting: requests that wait or are processed.
        """
        counts: dict[str, float] = {
            "ApproximateBacklogSize": waiting,
            "HasBacklogWithoutCapacity": waiting > 0 and instances == 0,
        }
        if instances:
            counts["ApproximateBacklogSizePerInstance"] = waiting / instances
        self._record("Count", counts, EndpointName=endpoint)
        age = {"ApproximateAgeOfOldestRequest": oldest_seconds}
        self._record("Seconds", age, EndpointName=endpoint)

    def ended(
        self, endpoint: str, variant: str, *, failed: bool, waited: float, took: float
    ) -> None:
        """Counts an invocation that a model answered.

        Args:
            waited: seconds until its processing began; `took`: from then on.
        """
        counts = {"InvocationsProcessed": 1, "InvocationFailures": failed}
        times = {"TimeInBacklog": waited * 1000, "TotalProcessingTime": (waited + took) * 1000}
        self._record("Count", counts, EndpointName=endpoint, VariantName=variant)
        self._record("Milliseconds", times, EndpointName=endpoint, VariantName=variant)

    def expired(self, endpoint: str, variant: str) -> None:
        """Counts an invocation whose time was over before a model saw it."""
        self._record("Count", {"ExpiredRequests": 1}, EndpointName=endpoint, VariantName=variant)

    def publish(self) -> None:
        """Puts what was counted, and how long the oldest waits; called now and then."""
        data = [self._data.popleft() for _ in range(len(self._data))]
        metrics.put(aws.client(self._settings, "cloudwatch"), data)

    def _record(self, unit: str, values: Mapping[str, float], **dimensions: str) -> None:
        shown = [{"Name": key, "Value": each} for key, each in dimensions.items()]
        self._data.extend(
            {"MetricName": name, "Value": float(value), "Unit": unit, "Dimensions": shown}
            for name, value in values.items()
        )


KIND = "async-invocation"
_EVERY_SECONDS = 0.5
_METRICS_EVERY_SECONDS = 2.0
# AWS chooses "an optimal value" where none is given.
_CONCURRENCY = 4

Record = dict[str, Any]


class Backlog:
    """Keeps invocations on disk until they have ended, so that each is run at least once, also
    when the rehearsal is stopped meanwhile.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._metrics = BacklogMetrics(context.settings)
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Record]] = {}
        self._running: Counter[str] = Counter()
        self._closing = False
        self._published = time.monotonic()
        self._failures = Failures("backlog")
        self._thread = SupervisedThread("backlog", self._look, _EVERY_SECONDS)

    def start(self) -> None:
        """Takes up what the last stop left."""
        for found in self._context.store.all(KIND):
            self._waiting.setdefault(found.parent, deque()).append(found.record)
        self._thread.start()

    def close(self) -> None:
        """Begins no more invocations; those that run count as not run."""
        with self._lock:
            self._closing = True
        self._thread.close()

    def accept(self, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Response:
        """See `rehearsal.backends.AcceptAsync`."""
        endpoint = self._endpoint(endpoint_name)
        invocation = read_request(endpoint, headers, body)
        invocation_id = invocation["Id"]
        self._context.store.add(
            KIND, invocation_id, f"{KIND}/{invocation_id}", invocation, parent=endpoint_name
        )
        with self._lock:
            self._waiting.setdefault(endpoint_name, deque()).append(invocation)
        self._thread.wake()
        answered = {
            "Content-Type": "application/json",
            "X-Amzn-SageMaker-OutputLocation": invocation["OutputLocation"],
        }
        if location := invocation.get("FailureLocation"):
            answered["X-Amzn-SageMaker-FailureLocation"] = location
        return 202, answered, json.dumps({"InferenceId": invocation["InferenceId"]}).encode()

    def _endpoint(self, name: str) -> Record:
        endpoint = endpoints.get_serving(self._context, name)
        if not endpoint.get("AsyncInferenceConfig"):
            raise ApiError(
                "ValidationError",
                f"Endpoint {name} of account {self._context.settings.account} has no "
                "AsyncInferenceConfig: use InvokeEndpoint.",
            )
        return endpoint

    def _look(self) -> None:
        measure = time.monotonic() > self._published + _METRICS_EVERY_SECONDS
        found = {each.name: each.record for each in endpoints.KIND.all(self._context)}
        self._forget(set(self._waiting) - set(found))
        for name, endpoint in found.items():
            if not endpoint.get("AsyncInferenceConfig"):
                continue
            with self._failures.watched(name):
                if measure:
                    self._measure(name, endpoint)
                if endpoint["EndpointStatus"] in endpoints.SERVING:
                    self._begin(name, endpoint)
        if measure:
            self._published = time.monotonic()
            self._metrics.publish()

    def _forget(self, gone: set[str]) -> None:
        """What waited for endpoints that were deleted."""
        for name in gone:
            with self._lock:
                invocations = self._waiting.pop(name)
            for invocation in invocations:
                self._context.store.delete(KIND, invocation["Id"])

    def _begin(self, name: str, endpoint: Record) -> None:
        """As many invocations as the instances take."""
        client = endpoint["AsyncInferenceConfig"].get("ClientConfig", {})
        concurrency = client.get("MaxConcurrentInvocationsPerInstance", _CONCURRENCY)
        room = _instances(endpoint) * concurrency
        runner = None
        while True:
            with self._lock:
                waiting = self._waiting.get(name)
                if self._closing or not waiting or self._running[name] >= room:
                    return
            # Before one is taken: where its role is not to be found, all of them wait on.
            runner = runner or self._runner(endpoint)
            with self._lock:
                invocation = waiting.popleft()
                self._running[name] += 1
            variant = endpoint["ProductionVariants"][0]["VariantName"]
            arguments = (runner, variant, invocation)
            threading.Thread(target=self._run, args=arguments, daemon=True).start()

    def _runner(self, endpoint: Record) -> Runner:
        configuration = variants.resolve(self._context, endpoint["EndpointConfigName"])
        role_arn = configuration.variants[0].role_arn
        return Runner(
            self._context.settings,
            self._context.endpoints,
            aws.Role(self._context.settings, role_arn, "SageMaker-async"),
            endpoint["AsyncInferenceConfig"]["OutputConfig"],
            lambda: self._closing,
        )

    def _run(self, runner: Runner, variant: str, invocation: Record) -> None:
        name = invocation["EndpointName"]
        waited = (now() - invocation["ReceivedTime"]).total_seconds()
        done = False
        try:
            done = self._ended(runner, variant, invocation, waited)
        finally:
            with self._lock:
                self._running[name] -= 1
                if not done:
                    self._waiting.setdefault(name, deque()).appendleft(invocation)
            if done:
                self._thread.wake()

    def _ended(self, runner: Runner, variant: str, invocation: Record, waited: float) -> bool:
        """Whether it has: else it must be run again."""
        name = invocation["EndpointName"]
        if waited > invocation["RequestTTLSeconds"]:
            runner.expire(invocation)
            self._metrics.expired(name, variant)
        else:
            try:
                ended = runner.run(invocation)
            except NoServerError:
                return False
            failed = ended.failure is not None
            self._metrics.ended(name, variant, failed=failed, waited=waited, took=ended.seconds)
        self._context.store.delete(KIND, invocation["Id"])
        return True

    def _measure(self, name: str, endpoint: Record) -> None:
        with self._lock:
            waiting = list(self._waiting.get(name, ()))
            count = len(waiting) + self._running[name]
        ages = [now() - invocation["ReceivedTime"] for invocation in waiting]
        oldest = max(ages, default=timedelta()).total_seconds()
        self._metrics.backlog(name, count, oldest, _instances(endpoint))


def _instances(endpoint: Record) -> int:
    found = endpoint.get("ProductionVariants") or []
    return sum(variant["CurrentInstanceCount"] for variant in found)
