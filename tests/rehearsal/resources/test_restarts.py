"""What a server that is started again has of what it had before."""

import json
import signal
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.rehearsal.conftest import ROLE, Server, eventually
from tests.rehearsal.resources.conftest import make_config


def serving_endpoint(server, name):
    server.client("s3").create_bucket(Bucket="models")
    server.client("s3").put_object(Bucket="models", Key="model.tar.gz", Body=b"model")
    sagemaker = server.client("sagemaker")
    make_config(sagemaker, name, ModelDataUrl="s3://models/model.tar.gz")
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    in_service(server, name)


def in_service(server, name):
    described = server.client("sagemaker").describe_endpoint
    eventually(lambda: described(EndpointName=name)["EndpointStatus"] == "InService")


def hanging_execution(server, definition):
    """Its step's job runs."""
    sagemaker = server.client("sagemaker")
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=definition("Hang"), RoleArn=ROLE)
    arn = sagemaker.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
    eventually(lambda: sagemaker.list_processing_jobs()["ProcessingJobSummaries"])
    return arn


def stack_that_waits(server):
    """For ever: nobody signals to its handle."""
    waiting = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Timeout": "3600"}}
    waiting["Properties"]["Handle"] = {"Ref": "Handle"}
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    body = {"Resources": {"Handle": handle, "Wait": waiting}}
    server.client("cloudformation").create_stack(StackName="waits", TemplateBody=json.dumps(body))


def kept_bucket(server):
    """A stack's, with an object; its name."""
    body = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}}}}
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(StackName="kept", TemplateBody=json.dumps(body))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="kept", WaiterConfig={"Delay": 1}
    )
    (bucket,) = server.client("s3").list_buckets()["Buckets"]
    server.client("s3").put_object(Bucket=bucket["Name"], Key="a b+#é", Body=b"x")
    return bucket["Name"]


def put_metric_and_line(server):
    metric = {"MetricName": "kept", "Value": 3.0}
    server.client("cloudwatch").put_metric_data(Namespace="tests", MetricData=[metric])
    logs = server.client("logs")
    logs.create_log_group(logGroupName="kept")
    logs.create_log_stream(logGroupName="kept", logStreamName="one")
    event = {"timestamp": int(time.time() * 1000), "message": "é"}
    logs.put_log_events(logGroupName="kept", logStreamName="one", logEvents=[event])


@dataclass(frozen=True)
class Restarted:
    """A server that was stopped and started again, with what it had before."""

    server: Server
    bucket: str
    execution_arn: str


@pytest.fixture(scope="module")
def restarted(tmp_path_factory, definition):
    server = Server(tmp_path_factory.mktemp("restarted")).start()
    bucket = kept_bucket(server)
    put_metric_and_line(server)
    serving_endpoint(server, "mine")
    arn = hanging_execution(server, definition)
    stack_that_waits(server)
    assert server.end() == 0
    assert not (server.state / "environment.json").exists()
    yield Restarted(server.start(), bucket, arn)
    server.end()


def assert_was_cut_short(server, execution_arn):
    sagemaker = server.client("sagemaker")
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution_arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "The rehearsal was stopped while this ran."
    (job,) = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert job["ProcessingJobStatus"] == "Failed"
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution_arn)[
        "PipelineExecutionSteps"
    ]
    assert step["StepStatus"] == "Failed"


def test_a_restart_fails_what_was_cut_short(restarted):
    assert_was_cut_short(restarted.server, restarted.execution_arn)


def test_a_start_after_a_kill_fails_what_was_cut_short(own_server, definition):
    serving_endpoint(own_server, "mine")
    arn = hanging_execution(own_server, definition)
    own_server.end(signal.SIGKILL)
    own_server.start()
    assert_was_cut_short(own_server, arn)


def test_a_restart_serves_on(restarted):
    in_service(restarted.server, "mine")
    answer = restarted.server.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="mine", Body=b"x"
    )
    assert answer["InvokedProductionVariant"] == "all"


def newest_value(server, metric):
    now = datetime.now(UTC)
    (found,) = server.client("cloudwatch").get_metric_statistics(
        Namespace="tests",
        MetricName=metric,
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(minutes=1),
        Period=7200,
        Statistics=["Maximum"],
    )["Datapoints"]
    return found["Maximum"]


def test_a_restart_keeps_stacks_metrics_logs_and_objects(restarted):
    server = restarted.server
    stacks = server.client("cloudformation").describe_stacks(StackName="kept")["Stacks"]
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
    assert newest_value(server, "kept") == 3.0
    (event,) = server.client("logs").filter_log_events(logGroupName="kept")["events"]
    assert event["message"] == "é"
    answer = server.client("s3").get_object(Bucket=restarted.bucket, Key="a b+#é")
    assert answer["Body"].read() == b"x"


def test_a_stop_waits_for_no_stack_and_a_start_says_it_failed(restarted):
    described = restarted.server.client("cloudformation").describe_stacks
    (stack,) = described(StackName="waits")["Stacks"]
    assert stack["StackStatus"] == "CREATE_FAILED"
