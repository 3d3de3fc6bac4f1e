"""A role per duty."""

from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import grants


class Roles(Construct):
    """The pipeline's role, and those that its jobs run under.

    Attributes:
        pipeline: starts jobs, passes their roles, reads property files, registers models.
        processing: CreateManifests and ShardImages.
        serving_model: FetchServingModel; the serving stack, which makes the model behind the
            endpoint, lets it describe that.
        training: TrainModel.
        evaluation: EvaluateModel.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        name: str,
        model_package_group_arn: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.processing = self._job_role(
            "Processing", "Runs CreateManifests and ShardImages", "ProcessingJobs"
        )
        self.serving_model = self._job_role(
            "ServingModel", "Runs FetchServingModel", "ProcessingJobs"
        )
        self.training = self._job_role("Training", "Runs TrainModel", "TrainingJobs")
        self.evaluation = self._job_role("Evaluation", "Runs EvaluateModel", "ProcessingJobs")
        self.pipeline = self._role("Pipeline", "Runs the steps of the pipeline")
        self._grant_jobs()
        packages = grants.model_packages(self, name)
        self._grant_registration(model_package_group_arn, packages)
        self._grant_describe_serving_model(name, packages)

    @property
    def of_jobs(self) -> tuple[iam.Role, ...]:
        """The roles that jobs run under."""
        return (self.processing, self.serving_model, self.training, self.evaluation)

    def _role(self, construct_id: str, description: str) -> iam.Role:
        return iam.Role(
            self,
            construct_id,
            assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"),
            description=description,
        )

    def _job_role(self, construct_id: str, description: str, log_group: str) -> iam.Role:
        role = self._role(construct_id, description)
        grants.write_job_logs(role, log_group)
        grants.put_metrics(role, f"/aws/sagemaker/{log_group}")
        return role

    def _grant_jobs(self) -> None:
        for kind, resource in (("Processing", "processing-job"), ("Training", "training-job")):
            actions = (f"Create{kind}Job", f"Describe{kind}Job", f"Stop{kind}Job", "AddTags")
            grants.use_jobs(self.pipeline, resource, [f"sagemaker:{each}" for each in actions])
        grants.allow(
            self.pipeline,
            ["iam:PassRole"],
            [role.role_arn for role in self.of_jobs],
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        )

    def _grant_registration(self, group: str, packages: str) -> None:
        grants.use_model_packages(
            self.pipeline,
            packages,
            ["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"],
        )
        grants.allow(self.pipeline, ["sagemaker:DescribeModelPackageGroup"], [group])

    def _grant_describe_serving_model(self, endpoint_name: str, packages: str) -> None:
        endpoint = grants.arn_of(self, "sagemaker", "endpoint", endpoint_name)
        grants.allow(self.serving_model, ["sagemaker:DescribeEndpoint"], [endpoint])
        grants.use_model_packages(self.serving_model, packages, ["sagemaker:DescribeModelPackage"])
