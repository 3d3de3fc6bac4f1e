"""Settings of `[network]`: what the containers of jobs and models can reach."""

from pydantic import Field

from infra.settings.section import Section


class Network(Section):
    """Both are independent: isolation takes the network from a container, the VPC takes the
    internet from the machine around it.
    """

    vpc: bool = Field(
        default=False,
        description="Run jobs and models in a VPC of their own that has no way to the internet, "
        "only to S3 and the SageMaker API; costs one interface endpoint by the hour in each "
        "availability zone, and the flow logs. Without it they are in SageMaker's network.",
    )
    availability_zones: int = Field(
        default=2,
        ge=2,
        le=3,
        description="Availability zones that the VPC has a subnet in; counts with vpc only. Each "
        "costs an interface endpoint, and gives SageMaker one more place to find capacity in.",
    )
    isolate_jobs: bool = Field(
        default=True,
        description="Take the network from the containers of ShardImages, TrainModel and "
        "EvaluateModel; SageMaker itself moves their data, and training hosts reach each other "
        "all the same. Off is for code that fetches something while it runs: a public data set, a "
        "package, an experiment tracker.",
    )
