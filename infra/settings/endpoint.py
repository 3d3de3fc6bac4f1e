"""Settings of `[endpoint]`: what serves, how many of it, and how a new model takes over.

What a setting costs stands in its docstring; prices are AWS's, by the hour of an instance.
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html say what excludes what.
"""

import math
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.settings.section import (
    Accelerator,
    HostingInstance,
    Section,
    Share,
    accelerator_problems,
)

ModelPackageArn = Annotated[
    str,
    StringConstraints(pattern=r"^arn:aws[a-z-]*:sagemaker:[a-z0-9-]+:\d{12}:model-package/.+$"),
    Field(examples=["arn:aws:sagemaker:eu-central-1:123456789012:model-package/cnn/7"]),
]
# AWS ends an update that takes longer; new instances have an hour to come up.
_LONGEST_UPDATE_SECONDS = 8 * 3600
_START_SECONDS = 3600
# What the alarms that roll an update back look at.
ALARM_PERIOD_SECONDS = 60
ALARM_PERIODS = 1
# CloudWatch has an endpoint's metrics by the minute, and a minute or two after it is over; the
# examples of deployment-guardrails-configuration.html wait 600 s for alarms of 300 s.
_METRICS_LATE_SECONDS = 120
_LEAST_WAIT_SECONDS = max(300, ALARM_PERIOD_SECONDS * ALARM_PERIODS + _METRICS_LATE_SECONDS)


class Endpoint(Section):
    """The endpoint and how a new model reaches it."""

    mode: Literal["instances", "serverless", "asynchronous"] = "instances"
    """instances answer at once and are billed by the hour, used or not; serverless is billed by the
    millisecond of a request and starts cold, and excludes GPUs, network isolation, data capture,
    shadow variants and traffic shifting with rollback; asynchronous takes requests from S3 and
    answers there, on instances of which none need wait. AWS changes no endpoint that runs to
    serverless or back: take its model out first.
    """
    instance_type: HostingInstance = "ml.c5.large"
    """Instance type of the endpoint."""
    accelerator: Accelerator = "cpu"
    """Which build of the inference image: cpu or gpu."""
    instance_count: Annotated[int, Field(ge=1, le=100)] = 2
    """Instances that a new endpoint starts with; each is billed. An update of a running endpoint
    runs the new ones beside the old, so that both are billed until it ends.
    """
    minimum_instances: Annotated[int, Field(ge=0, le=100)] = 1
    """Fewest instances that autoscaling leaves, which are billed without traffic; counts with
    maximum_instances only. 0 costs nothing while nothing waits, and its first request waits minutes
    for an instance; needs mode asynchronous.
    """
    maximum_instances: Annotated[int, Field(ge=1, le=100)] | None = None
    """Most instances that autoscaling starts, which bounds the bill; without it, there are always
    instance_count. Fewer requests take instances away, none at all do not: SageMaker then counts
    nothing.
    """
    invocations_per_instance: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    """Requests per instance and minute that autoscaling keeps to; fewer means more instances. Half
    of what ./scripts/bench serving finds leaves room for a rise.
    """
    backlog_per_instance: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """Waiting requests per instance that autoscaling keeps to in mode asynchronous."""
    traffic_shift: Literal["all_at_once", "canary", "linear"] = "canary"
    """How traffic moves to a new model: all_at_once, a canary first and then the rest, or in linear
    steps; each waits shift_wait_seconds and watches the alarms.
    """
    shift_percent: Annotated[int, Field(ge=1, le=50)] = 50
    """Share of the instances, and so of the traffic, of a canary or a linear step."""
    shift_wait_seconds: int = Field(
        default=600,
        ge=0,
        le=3600,
        description="Seconds that alarms are watched after each step, and after the last before "
        f"the old instances go, {_LEAST_WAIT_SECONDS} at least, as metrics are minutes late; old "
        "and new are billed as long. A serverless endpoint has no alarms and no steps.",
    )
    latency_alarm_milliseconds: Annotated[int, Field(ge=1, le=60_000)] = 1000
    """99th percentile of model latency over a minute that rolls a new model back."""
    minimum_confidence: Share = 0.3
    """Mean probability of the answered classes over a minute below which a new model is rolled
    back; 0 for no such alarm.
    """
    capture_percent: Annotated[int, Field(ge=0, le=100)] = 0
    """Share of requests whose answers are kept in S3 for [data] inference_days; 0 for none. Costs
    the storage and a put of each file; [drift] needs it.
    """
    capture_images: bool = False
    """Keep the requests' images with the answers: up to 6 MB of storage each, and other people's
    pictures.
    """
    shadow_model_package: ModelPackageArn | None = None
    """ARN of an approved model package that gets a copy of the requests and whose answers are
    thrown away, or captured; as many instances again are billed.
    """
    serverless_memory_megabytes: Annotated[int, Field(ge=1024, le=6144, multiple_of=1024)] = 4096
    """Memory of a serverless container, and with it cores and the price of a millisecond."""
    serverless_concurrency: Annotated[int, Field(ge=1, le=200)] = 5
    """Requests that a serverless endpoint answers at once, each by a container of its own; more are
    refused. It bounds the bill and counts against the account's quota.
    """
    encrypt_logs: bool = False
    """Encrypt the endpoint's logs with a key of our own, which is billed by the month; CloudWatch
    encrypts them with its own otherwise.
    """
    deploy_on_approval: bool = True
    """Update on approval; false makes a change set that a person executes."""

    @property
    def scales(self) -> bool:
        """Is there autoscaling?"""
        return self.maximum_instances is not None

    @property
    def fewest_instances(self) -> int:
        """How few there may be when an update begins."""
        return self.minimum_instances if self.scales else self.instance_count

    @property
    def longest_update_seconds(self) -> int:
        """Every step's wait, the last one's before the old instances go, and time to start."""
        steps = {
            "all_at_once": 0,
            "canary": 1,
            "linear": math.ceil(100 / self.shift_percent) - 1,
        }[self.traffic_shift]
        return (steps + 1) * self.shift_wait_seconds + _START_SECONDS

    def _problems(self) -> Iterator[str]:
        if self.mode != "serverless":
            yield from accelerator_problems(self.instance_type, self.accelerator)
        for is_set, remedy in self._excluded():
            if is_set:
                yield f"mode {self.mode} has no {remedy}"
        yield from self._scaling_problems()
        yield from self._shift_problems()
        if self.capture_images and not self.capture_percent:
            yield (
                "capture_images captures nothing while capture_percent is 0: raise that, or set "
                "capture_images to false"
            )

    def _excluded(self) -> list[tuple[bool, str]]:
        """What the mode goes without: whether it is set, what it is, and what to do."""
        captures, has_shadow = self.capture_percent > 0, self.shadow_model_package is not None
        without_shadow = (has_shadow, "shadow variant: leave shadow_model_package out")
        answers_are_kept = "data capture, as every answer is in S3: set capture_percent to 0"
        return {
            "instances": [],
            "serverless": [
                (self.accelerator == "gpu", "accelerator gpu: set it to cpu"),
                (self.scales, "maximum_instances: set serverless_concurrency instead"),
                (self.traffic_shift != "all_at_once", "traffic_shift but all_at_once: set that"),
                (captures, "data capture: set capture_percent to 0"),
                without_shadow,
            ],
            "asynchronous": [(captures, answers_are_kept), without_shadow],
        }[self.mode]

    def _scaling_problems(self) -> Iterator[str]:
        if self.minimum_instances == 0 and (self.mode != "asynchronous" or not self.scales):
            yield (
                "minimum_instances 0 needs mode asynchronous and maximum_instances: set both, or "
                "minimum_instances to 1"
            )
        if self.maximum_instances is not None and not (
            self.minimum_instances <= self.instance_count <= self.maximum_instances
        ):
            yield (
                f"instance_count {self.instance_count} is not from minimum_instances "
                f"{self.minimum_instances} to maximum_instances {self.maximum_instances}: change "
                "one of them"
            )

    def _shift_problems(self) -> Iterator[str]:
        shifts = self.traffic_shift != "all_at_once"
        if shifts and self.shift_percent * self.fewest_instances < 100:
            of = "minimum_instances" if self.scales else "instance_count"
            yield (
                f"shift_percent {self.shift_percent} of {of} {self.fewest_instances} is less than "
                f"one instance: raise one of them, or set traffic_shift to all_at_once"
            )
        if self.traffic_shift == "linear" and self.shift_percent < 10:
            yield (
                f"shift_percent {self.shift_percent} is below 10, SageMaker's least for a linear "
                "step: raise it, or set traffic_shift to canary"
            )
        if self.mode != "serverless" and self.shift_wait_seconds < _LEAST_WAIT_SECONDS:
            yield (
                f"shift_wait_seconds {self.shift_wait_seconds} is over before an alarm of "
                f"{ALARM_PERIOD_SECONDS * ALARM_PERIODS} seconds on metrics that are up to "
                f"{_METRICS_LATE_SECONDS} seconds late takes a bad model back: set "
                f"{_LEAST_WAIT_SECONDS} at least"
            )
        if self.longest_update_seconds > _LONGEST_UPDATE_SECONDS:
            yield (
                f"an update in steps of {self.shift_percent} % with shift_wait_seconds "
                f"{self.shift_wait_seconds} may take {self.longest_update_seconds} seconds, more "
                f"than SageMaker's {_LONGEST_UPDATE_SECONDS}: raise shift_percent or lower "
                "shift_wait_seconds"
            )
