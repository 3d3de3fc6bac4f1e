"""Tables of what surrounds pipeline and endpoint: data, starts, drift, network, keys, costs."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from infra.settings.section import Days, Section, Share

EmailAddress = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s]{1,39}@[^@\s]+\.[^@\s]+$", max_length=50),
    Field(examples=["ops@example.com"]),
]


LogDays = Literal[7, 14, 30, 90, 365]


class Operations(Section):
    """Logs, parallelism and what a month may cost."""

    log_days: LogDays = 90
    """Days the logs of the Lambda functions, the endpoint and the VPC are kept."""
    max_parallel_steps: Annotated[int, Field(ge=1, le=50)] = 4
    """Steps of one execution that may run at once."""
    notify_emails: Annotated[tuple[EmailAddress, ...], Field(max_length=10)] = ()
    """E-mail addresses that get every notification, once each has confirmed its subscription;
    others subscribe to the topic themselves. The first 1,000 e-mails of a month cost nothing.
    """
    monthly_budget_usd: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """What the environment may cost in a calendar month, in USD: people are told at 80 % spent and
    when 100 % is forecast, and nothing is stopped. Costs nothing. Counts by the cost allocation
    tags Project and Environment, which must be active.
    """
    budget_emails: Annotated[tuple[EmailAddress, ...], Field(max_length=10)] = ()
    """E-mail addresses that are told of the budget beside the topic."""


class Data(Section):
    """Buckets and how long they keep what they hold."""

    retain: bool = True
    """Protect stacks from being destroyed; keep buckets, keys and logs."""
    noncurrent_days: Days = 90
    """Days an overwritten or deleted object can still be restored."""
    working_days: Days = 90
    """Days an execution's manifests, shards, checkpoints and metrics are kept."""
    inference_days: Days = 30
    """Days captured answers and the requests and answers of an asynchronous endpoint are kept."""
    access_log_days: Days = 365
    """Days S3 access logs are kept."""
    expected_images: Annotated[int, Field(ge=1, le=10_000_000_000)] | None = None
    """Images that a run is to be made of, for which every step's hosts must have room; without it,
    nobody looks.
    """
    expected_image_kilobytes: Annotated[int, Field(ge=1, le=1_000_000)] = 110
    """Mean size of the image files that are expected, in KB of 1,000 bytes."""


class Trigger(Section):
    """The two guards between drops and executions."""

    concurrent_executions: Annotated[int, Field(ge=1, le=10)] = 1
    """Executions that may run at once, those that a person started counted too; drops that come
    meanwhile wait and go into one execution together. Each one more costs another execution's
    instances at the same time.
    """
    executions_per_day: Annotated[int, Field(ge=0, le=1000)] = 24
    """Executions that drops and drift may start in any 24 hours without a person; beyond, they wait
    for ./scripts/drops --release, or for the 24 hours to pass, and people are told. 0 for no limit:
    then only concurrent_executions bounds what a day costs.
    """


class Drift(Section):
    """The captured answers' class shares against those of training."""

    every_hours: Annotated[int, Field(ge=0, le=168)] = 0
    """Hours between comparisons, each of the answers captured in these hours and, until there are
    minimum_predictions, in those before, a week at most; 0 for none. A comparison costs a few
    seconds of a function; needs [endpoint] capture_percent.
    """
    threshold: Share = 0.25
    """Total variation distance of the class shares (0 the same, 1 no class in common), less what
    chance explains of it, above which an alarm is raised.
    """
    minimum_predictions: Annotated[int, Field(ge=1, le=10_000_000)] = 200
    """Fewest captured answers that are compared; fewer wait for more."""
    retrain: bool = True
    """Start the pipeline when the alarm is raised, once a model package, which costs an execution
    of it; false tells people only.
    """


class Network(Section):
    """Both are independent: isolation takes the network from a container, the VPC takes the
    internet from the machine around it.
    """

    vpc: bool = False
    """Run jobs and models in a VPC of their own that has no way to the internet, only to S3 and the
    SageMaker API; costs one interface endpoint by the hour in each availability zone, and the flow
    logs. Without it they are in SageMaker's network.
    """
    availability_zones: Annotated[int, Field(ge=2, le=3)] = 2
    """Availability zones that the VPC has a subnet in; counts with vpc only. Each costs an
    interface endpoint, and gives SageMaker one more place to find capacity in.
    """
    isolate_jobs: bool = True
    """Take the network from the containers of ShardImages, TrainModel and EvaluateModel; SageMaker
    itself moves their data, and training hosts reach each other all the same. Off is for code that
    fetches something while it runs: a public data set, a package, an experiment tracker.
    """


# A managed policy's name, with its path where it has one, or its whole ARN:
# https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html
ManagedPolicy = Annotated[
    str,
    StringConstraints(
        pattern=r"^(arn:aws[a-z-]*:iam::(aws|\d{12}):policy/)?([\w.,+@=-]+/)*[\w.,+@=-]+$",
        max_length=512,
    ),
    Field(examples=["Boundary", "arn:aws:iam::123456789012:policy/Boundary"]),
]


class Security(Section):
    """Off and None are AWS's own keys and no boundary."""

    customer_managed_keys: bool = False
    """Encrypt objects, queues, tables and logs with the environment's own KMS key, which encrypts
    volumes anyhow; costs its requests, and who reads or writes needs the key too. What was written
    before keeps its encryption.
    """
    permissions_boundary: ManagedPolicy | None = None
    """Name or ARN of the managed policy that bounds what each role of the environment may ever be
    allowed; it must be there before. Costs nothing.
    """


Repository = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}$"),
    Field(examples=["acme/shardwise"]),
]


class GitHub(Section):
    """Roles for GitHub Actions."""

    repository: Repository | None = None
    """GitHub repository (owner/name) whose pull requests may review this environment, and whose
    GitHub environment of the same name may deploy it; without it, nobody from there can. Costs
    nothing, and needs GitHub's OIDC provider in the account (docs/deploying.md).
    """
