"""Settings of `[endpoint]`: what serves, how many of it, and how a new model takes over.

What a setting costs stands in its description; prices are AWS's, by the hour of an instance.
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-exclusions.html,
https://docs.aws.amazon.com/sagemaker/latest/dg/shadow-tests-exclusions.html and
https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html say what excludes what.
"""

import math
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from infra.settings.section import Accelerator, HostingInstance, Section, check_accelerator

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

    mode: Literal["instances", "serverless", "asynchronous"] = Field(
        default="instances",
        description="instances answer at once and are billed by the hour, used or not; serverless "
        "is billed by the millisecond of a request and starts cold, and excludes GPUs, network "
        "isolation, data capture, shadow variants and traffic shifting with rollback; asynchronous "
        "takes requests from S3 and answers there, on instances of which none need wait. AWS "
        "changes no endpoint that runs to serverless or back: take its model out first.",
    )
    instance_type: HostingInstance = Field(
        default="ml.c5.large", description="Instance type of the endpoint."
    )
    accelerator: Accelerator = Field(
        default="cpu", description="Which build of the inference image: cpu or gpu."
    )
    instance_count: int = Field(
        default=2,
        ge=1,
        le=100,
        description="Instances that a new endpoint starts with; each is billed. An update of a "
        "running endpoint runs the new ones beside the old, so that both are billed until it ends.",
    )
    minimum_instances: int = Field(
        default=1,
        ge=0,
        le=100,
        description="Fewest instances that autoscaling leaves, which are billed without traffic; "
        "counts with maximum_instances only. 0 costs nothing while nothing waits, and its first "
        "request waits minutes for an instance; needs mode asynchronous.",
    )
    maximum_instances: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Most instances that autoscaling starts, which bounds the bill; without it, "
        "there are always instance_count. Fewer requests take instances away, none at all do not: "
        "SageMaker then counts nothing.",
    )
    invocations_per_instance: int = Field(
        default=1000,
        ge=1,
        le=1_000_000,
        description="Requests per instance and minute that autoscaling keeps to; fewer means more "
        "instances. Half of what ./scripts/bench serving finds leaves room for a rise.",
    )
    backlog_per_instance: int = Field(
        default=20,
        ge=1,
        le=1_000_000,
        description="Waiting requests per instance that autoscaling keeps to in mode asynchronous.",
    )
    traffic_shift: Literal["all_at_once", "canary", "linear"] = Field(
        default="canary",
        description="How traffic moves to a new model: all_at_once, a canary first and then the "
        "rest, or in linear steps; each waits shift_wait_seconds and watches the alarms.",
    )
    shift_percent: int = Field(
        default=50,
        ge=1,
        le=50,
        description="Share of the instances, and so of the traffic, of a canary or a linear step.",
    )
    shift_wait_seconds: int = Field(
        default=600,
        ge=0,
        le=3600,
        description="Seconds that alarms are watched after each step, and after the last before "
        f"the old instances go, {_LEAST_WAIT_SECONDS} at least, as metrics are minutes late; old "
        "and new are billed as long. A serverless endpoint has no alarms and no steps.",
    )
    latency_alarm_milliseconds: int = Field(
        default=1000,
        ge=1,
        le=60_000,
        description="99th percentile of model latency over a minute that rolls a new model back.",
    )
    minimum_confidence: float = Field(
        default=0.3,
        ge=0,
        le=1,
        description="Mean probability of the answered classes over a minute below which a new "
        "model is rolled back; 0 for no such alarm.",
    )
    capture_percent: int = Field(
        default=0,
        ge=0,
        le=100,
        description="Share of requests whose answers are kept in S3 for [data] inference_days; 0 "
        "for none. Costs the storage and a put of each file; [drift] needs it.",
    )
    capture_images: bool = Field(
        default=False,
        description="Keep the requests' images with the answers: up to 6 MB of storage each, and "
        "other people's pictures.",
    )
    shadow_model_package: ModelPackageArn | None = Field(
        default=None,
        description="ARN of an approved model package that gets a copy of the requests and whose "
        "answers are thrown away, or captured; as many instances again are billed.",
    )
    serverless_memory_megabytes: int = Field(
        default=4096,
        ge=1024,
        le=6144,
        multiple_of=1024,
        description="Memory of a serverless container, and with it cores and the price of a "
        "millisecond.",
    )
    serverless_concurrency: int = Field(
        default=5,
        ge=1,
        le=200,
        description="Requests that a serverless endpoint answers at once, each by a container of "
        "its own; more are refused. It bounds the bill and counts against the account's quota.",
    )
    encrypt_logs: bool = Field(
        default=False,
        description="Encrypt the endpoint's logs with a key of our own, which is billed by the "
        "month; CloudWatch encrypts them with its own otherwise.",
    )
    deploy_on_approval: bool = Field(
        default=True,
        description="Update on approval; false makes a change set that a person executes.",
    )

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

    @model_validator(mode="after")
    def _has_what_its_build_needs(self) -> "Endpoint":
        if self.mode != "serverless":
            check_accelerator(self.instance_type, self.accelerator)
        return self

    @model_validator(mode="after")
    def _serverless_goes_without(self) -> "Endpoint":
        if self.mode == "serverless":
            for is_set, remedy in (
                (self.accelerator == "gpu", "accelerator gpu: set it to cpu"),
                (self.scales, "maximum_instances: set serverless_concurrency instead"),
                (self.traffic_shift != "all_at_once", "traffic_shift but all_at_once: set that"),
                (self.capture_percent > 0, "data capture: set capture_percent to 0"),
                (self.shadow_model_package, "shadow variant: leave shadow_model_package out"),
            ):
                if is_set:
                    raise ValueError(f"mode serverless has no {remedy}")
        return self

    @model_validator(mode="after")
    def _asynchronous_goes_without(self) -> "Endpoint":
        if self.mode == "asynchronous":
            for is_set, remedy in (
                (
                    self.capture_percent > 0,
                    "data capture, as every answer is in S3: set capture_percent to 0",
                ),
                (self.shadow_model_package, "shadow variant: leave shadow_model_package out"),
            ):
                if is_set:
                    raise ValueError(f"mode asynchronous has no {remedy}")
        return self

    @model_validator(mode="after")
    def _starts_within_what_it_scales_to(self) -> "Endpoint":
        if self.minimum_instances == 0 and (self.mode != "asynchronous" or not self.scales):
            raise ValueError(
                "minimum_instances 0 needs mode asynchronous and maximum_instances: set both, or "
                "minimum_instances to 1"
            )
        if self.maximum_instances is not None and not (
            self.minimum_instances <= self.instance_count <= self.maximum_instances
        ):
            raise ValueError(
                f"instance_count {self.instance_count} is not from minimum_instances "
                f"{self.minimum_instances} to maximum_instances {self.maximum_instances}: change "
                "one of them"
            )
        return self

    @model_validator(mode="after")
    def _a_step_has_an_instance(self) -> "Endpoint":
        shifts = self.traffic_shift != "all_at_once"
        if shifts and self.shift_percent * self.fewest_instances < 100:
            of = "minimum_instances" if self.scales else "instance_count"
            raise ValueError(
                f"shift_percent {self.shift_percent} of {of} {self.fewest_instances} is less than "
                f"one instance: raise one of them, or set traffic_shift to all_at_once"
            )
        if self.traffic_shift == "linear" and self.shift_percent < 10:
            raise ValueError(
                f"shift_percent {self.shift_percent} is below 10, SageMaker's least for a linear "
                "step: raise it, or set traffic_shift to canary"
            )
        return self

    @model_validator(mode="after")
    def _alarms_see_a_new_model_while_it_can_be_taken_back(self) -> "Endpoint":
        if self.mode != "serverless" and self.shift_wait_seconds < _LEAST_WAIT_SECONDS:
            raise ValueError(
                f"shift_wait_seconds {self.shift_wait_seconds} is over before an alarm of "
                f"{ALARM_PERIOD_SECONDS * ALARM_PERIODS} seconds on metrics that are up to "
                f"{_METRICS_LATE_SECONDS} seconds late takes a bad model back: set "
                f"{_LEAST_WAIT_SECONDS} at least"
            )
        return self

    @model_validator(mode="after")
    def _an_update_ends_in_time(self) -> "Endpoint":
        if self.longest_update_seconds > _LONGEST_UPDATE_SECONDS:
            raise ValueError(
                f"an update in steps of {self.shift_percent} % with shift_wait_seconds "
                f"{self.shift_wait_seconds} may take {self.longest_update_seconds} seconds, more "
                f"than SageMaker's {_LONGEST_UPDATE_SECONDS}: raise shift_percent or lower "
                "shift_wait_seconds"
            )
        return self

    @model_validator(mode="after")
    def _captures_images_with_answers(self) -> "Endpoint":
        if self.capture_images and not self.capture_percent:
            raise ValueError(
                "capture_images captures nothing while capture_percent is 0: raise that, or set "
                "capture_images to false"
            )
        return self
