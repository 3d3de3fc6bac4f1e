"""SageMaker's own metrics of executions and steps, and an alarm on them."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.rehearsal.conftest import eventually

NAMESPACE = "AWS/Sagemaker/ModelBuildingPipeline"


@pytest.fixture
def total(server):
    """Sum of a metric over the last minutes: of the pipeline, and of the step."""

    def of(metric, **dimensions):
        now = datetime.now(UTC)
        points = server.client("cloudwatch").get_metric_statistics(
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(minutes=1),
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum(point["Sum"] for point in points)

    return of


def ended(sagemaker, arn):
    shown = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    return shown["PipelineExecutionStatus"] in ("Succeeded", "Failed", "Stopped")


def test_an_execution_and_its_step_are_counted_and_measured(sagemaker, pipeline, total):
    name = pipeline()
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    eventually(lambda: ended(sagemaker, arn))

    assert eventually(lambda: total("ExecutionSucceeded", PipelineName=name)) == 1
    assert total("ExecutionStarted", PipelineName=name) == 1
    assert total("ExecutionFailed", PipelineName=name) == 0
    assert total("ExecutionDuration", PipelineName=name) > 0
    assert total("StepStarted", PipelineName=name, StepName="Work") == 1
    assert total("StepSucceeded", PipelineName=name, StepName="Work") == 1
    assert total("StepDuration", PipelineName=name, StepName="Work") > 0


def test_executions_of_all_pipelines_are_counted_without_a_dimension(sagemaker, server, pipeline):
    name = pipeline("Failed")
    sagemaker.start_pipeline_execution(PipelineName=name)

    def dimensions():
        # MiniStack's statistics of a metric without dimensions are those with any, too.
        listed = server.client("cloudwatch").list_metrics(
            Namespace=NAMESPACE, MetricName="ExecutionFailed"
        )
        return [metric["Dimensions"] for metric in listed["Metrics"]]

    eventually(lambda: [{"Name": "PipelineName", "Value": name}] in dimensions())
    assert [] in dimensions()


def test_a_retry_starts_and_fails_once_more(sagemaker, pipeline, total):
    name = pipeline("Failed")
    arn = sagemaker.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
    eventually(lambda: total("ExecutionFailed", PipelineName=name) == 1)
    sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken="again" * 8)

    eventually(lambda: total("ExecutionFailed", PipelineName=name) == 2)
    assert total("ExecutionStarted", PipelineName=name) == 2
    assert total("StepStarted", PipelineName=name, StepName="Work") == 2
    assert total("StepFailed", PipelineName=name, StepName="Work") == 2


def test_an_alarm_on_failed_executions_is_raised(sagemaker, server, pipeline):
    name = pipeline("Failed")
    cloudwatch = server.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=NAMESPACE,
        MetricName="ExecutionFailed",
        Dimensions=[{"Name": "PipelineName", "Value": name}],
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    sagemaker.start_pipeline_execution(PipelineName=name)

    def state():
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return alarm["StateValue"]

    eventually(lambda: state() == "ALARM")
