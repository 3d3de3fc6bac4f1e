"""The function that tells people what became of an execution or of an update."""

import json
from functools import partial

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra import grants, names
from infra.costs import load_prices
from infra.function import dead_letter_queue, event_rule, python_function
from infra.settings import Settings

_LISTS = "Lists of jobs have no resource to name; names and states of jobs are all that they tell."
_LOG_GROUP = "The asterisk is how CloudWatch Logs writes the ARN of the one log group named."


class Reporter(Construct):
    """Publishes messages in words and metrics of executions.

    Args:
        topic: where messages go.
        serving_stack: name of the stack that makes the endpoint; a reference would tie the two
            stacks together for ever.
        working: bucket of evaluations.
        artifacts: bucket of lineage, and of notes of what was sent.

    Attributes:
        function: hears ends of steps and executions, and rollbacks of the serving stack.
        dead_letters: events that it failed on.
    """

    def __init__(  # noqa: PLR0913 - CDK props
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        topic: sns.ITopic,
        serving_stack: str,
        working: s3.IBucket,
        artifacts: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self.dead_letters = dead_letter_queue(self, "DeadLetters", settings)
        self.function = python_function(
            self,
            "Function",
            handler="functions.reporter.handler.handler",
            description="Tells people of failed executions, waiting models and rollbacks",
            settings=settings,
            environment={
                "ENVIRONMENT": settings.stage,
                "NAME": settings.name,
                "PIPELINE_NAME": settings.name,
                "WORKING_BUCKET": working.bucket_name,
                "ARTIFACTS_BUCKET": artifacts.bucket_name,
                "NAMESPACE": names.NAMESPACE,
                "TOPIC_ARN": topic.topic_arn,
                "PRICES": _prices_of_jobs(settings),
                "RUNBOOKS": names.runbooks_address(settings.github.repository),
            },
            dead_letter_queue=self.dead_letters,
            timeout=cdk.Duration.minutes(1),
        )
        self._grant_executions(settings.name)
        grants.use_stack(self.function, serving_stack, ["cloudformation:DescribeStackEvents"])
        self._grant_objects(working, artifacts)
        self._grant_publish(topic)
        self._add_rules(settings.name, serving_stack)

    def _grant_executions(self, pipeline: str) -> None:
        grants.use_executions(
            self.function,
            pipeline,
            [
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:ListPipelineParametersForExecution",
            ],
        )
        grants.allow(
            self.function,
            ["sagemaker:ListProcessingJobs", "sagemaker:ListTrainingJobs"],
            ["*"],
            because=_LISTS,
        )
        grants.use_jobs(self.function, "processing-job", ["sagemaker:DescribeProcessingJob"])
        grants.use_jobs(self.function, "training-job", ["sagemaker:DescribeTrainingJob"])
        packages = grants.model_packages(self, pipeline)
        grants.use_model_packages(self.function, packages, ["sagemaker:DescribeModelPackage"])
        groups = (names.PROCESSING_LOGS, names.TRAINING_LOGS)
        arns = [f"{grants.log_group_arn(self, group)}:*" for group in groups]
        grants.allow(self.function, ["logs:DescribeLogStreams"], arns, because=_LOG_GROUP)

    def _grant_objects(self, working: s3.IBucket, artifacts: s3.IBucket) -> None:
        # Listing tells what is not there from what may not be read.
        grants.list_objects(self.function, artifacts, names.LINEAGE)
        grants.get_object(self.function, artifacts, names.DATASETS)
        grants.list_objects(self.function, working, names.EXECUTIONS)
        grants.get_object(self.function, working, names.EVALUATIONS)
        grants.read_objects(self.function, artifacts, names.REPORTS)
        grants.put_object(self.function, artifacts, f"{names.REPORTS}*")

    def _grant_publish(self, topic: sns.ITopic) -> None:
        grants.put_metrics(self.function, names.NAMESPACE)
        grants.allow(self.function, ["sns:Publish"], [topic.topic_arn])
        if topic.master_key is not None:
            key = topic.master_key.key_arn
            grants.allow(self.function, ["kms:Decrypt", "kms:GenerateDataKey"], [key])

    def _add_rules(self, pipeline: str, serving_stack: str) -> None:
        rule = partial(event_rule, self, self.function, self.dead_letters)
        of_pipeline = {"pipelineArn": [grants.pipeline_arn(self, pipeline)]}
        rule(
            "ExecutionEnded",
            "An execution of the pipeline ended",
            source="aws.sagemaker",
            detail_type=names.EXECUTION_CHANGED,
            detail={**of_pipeline, "currentPipelineExecutionStatus": list(names.ENDED)},
        )
        rule(
            "StepEnded",
            "A step with jobs ended",
            source="aws.sagemaker",
            detail_type=names.STEP_CHANGED,
            detail={
                **of_pipeline,
                "stepType": ["Processing", "Training"],
                "currentStepStatus": list(names.ENDED),
            },
        )
        stack_id = grants.arn_of(self, "cloudformation", "stack", f"{serving_stack}/")
        statuses = ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"]
        rule(
            "ModelTakenBack",
            "An update of the serving stack failed: the model of before serves on",
            source="aws.cloudformation",
            detail_type=names.STACK_CHANGED,
            detail={"stack-id": [{"prefix": stack_id}], "status-details": {"status": statuses}},
        )


def _prices_of_jobs(settings: Settings) -> str:
    """`{"date": …, "usd_per_hour": {<Region>: {<instance type>: 0.115}}}`, as JSON: an hour of each
    instance type that the pipeline's jobs use, in the environment's Region, or in all that the
    table has where only the credentials say which.
    """
    table = load_prices()
    types = sorted(
        {
            job.instance_type
            for job in (
                settings.manifests,
                settings.serving_model,
                settings.shards,
                settings.training,
                settings.evaluation,
            )
        }
    )
    hours = {
        name: {kind: region.hours[kind] for kind in types if kind in region.hours}
        for name, region in table.regions.items()
        if settings.region in (None, name)
    }
    return json.dumps({"date": str(table.date), "usd_per_hour": hours}, sort_keys=True)
