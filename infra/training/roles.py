"""A role per duty."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra import grants

# SageMaker Pipelines names the jobs that it makes "pipelines-<execution id>-<step>-<random>".
_JOBS = "pipelines-*"


class Roles(Construct):
    """The pipeline's role, and those that its jobs run under.

    Attributes:
        model_packages: the packages of the group, as `<group name or pattern>/*`.
        endpoint_name: the endpoint whose model is fetched.
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
        model_package_group_arn: str,
        model_packages: str,
        endpoint_name: str,
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
        self._let_pipeline_run_jobs()
        packages = self._arn("model-package", model_packages)
        self._let_pipeline_register(model_package_group_arn, packages)
        self._let_describe_serving_model(endpoint_name, packages)

    @property
    def of_jobs(self) -> tuple[iam.Role, ...]:
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

    def _let_pipeline_run_jobs(self) -> None:
        for kind, resource in (("Processing", "processing-job"), ("Training", "training-job")):
            self.pipeline.add_to_policy(
                iam.PolicyStatement(
                    actions=[
                        f"sagemaker:Create{kind}Job",
                        f"sagemaker:Describe{kind}Job",
                        f"sagemaker:Stop{kind}Job",
                        "sagemaker:AddTags",
                    ],
                    resources=[self._arn(resource, _JOBS)],
                )
            )
        self.pipeline.add_to_policy(
            iam.PolicyStatement(
                actions=["iam:PassRole"],
                resources=[role.role_arn for role in self.of_jobs],
                conditions={"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
            )
        )

    def _let_pipeline_register(self, group: str, packages: str) -> None:
        for actions, resource in (
            (["sagemaker:CreateModelPackage", "sagemaker:DescribeModelPackage"], packages),
            (["sagemaker:DescribeModelPackageGroup"], group),
        ):
            self.pipeline.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))

    def _let_describe_serving_model(self, endpoint_name: str, packages: str) -> None:
        for action, resource in (
            ("sagemaker:DescribeEndpoint", self._arn("endpoint", endpoint_name)),
            ("sagemaker:DescribeModelPackage", packages),
        ):
            self.serving_model.add_to_policy(
                iam.PolicyStatement(actions=[action], resources=[resource])
            )

    def _arn(self, resource: str, name: str) -> str:
        return cdk.Stack.of(self).format_arn(
            service="sagemaker", resource=resource, resource_name=name
        )
