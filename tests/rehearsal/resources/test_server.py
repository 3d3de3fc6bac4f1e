"""The server as a process: what a stop keeps, and what it refuses to start on."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError

from rehearsal import lifecycle
from rehearsal.authorization import record
from tests.rehearsal.conftest import REPOSITORY, ROLE, eventually

IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"


def serve(state, port):
    return subprocess.run(
        [sys.executable, "-m", "rehearsal", "--state", state, "--port", str(port), "serve"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def serving_endpoint(server, name):
    server.client("s3").create_bucket(Bucket="models")
    server.client("s3").put_object(Bucket="models", Key="model.tar.gz", Body=b"model")
    sagemaker = server.client("sagemaker")
    container = {"Image": IMAGE, "ModelDataUrl": "s3://models/model.tar.gz"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {
        "VariantName": "all",
        "ModelName": name,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    in_service(server, name)


def in_service(server, name):
    described = server.client("sagemaker").describe_endpoint
    eventually(lambda: described(EndpointName=name)["EndpointStatus"] == "InService")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_serves_on_and_fails_what_was_cut_short(own_server, how, pipeline_of):
    serving_endpoint(own_server, "mine")
    arn = pipeline_of(own_server, "Hang")
    own_server.end(how)
    own_server.start()

    sagemaker = own_server.client("sagemaker")
    execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
    assert execution["PipelineExecutionStatus"] == "Failed"
    assert execution["FailureReason"] == "The rehearsal was stopped while this ran."
    (job,) = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
    assert job["ProcessingJobStatus"] == "Failed"
    (step,) = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)[
        "PipelineExecutionSteps"
    ]
    assert step["StepStatus"] == "Failed"
    if how == signal.SIGTERM:
        in_service(own_server, "mine")
        answer = own_server.client("sagemaker-runtime").invoke_endpoint(
            EndpointName="mine", Body=b"x"
        )
        assert answer["InvokedProductionVariant"] == "all"


@pytest.fixture
def pipeline_of(definition):
    def start(server, outcome):
        sagemaker = server.client("sagemaker")
        sagemaker.create_pipeline(
            PipelineName="p", PipelineDefinition=definition(outcome), RoleArn=ROLE
        )
        arn = sagemaker.start_pipeline_execution(PipelineName="p")["PipelineExecutionArn"]
        eventually(lambda: sagemaker.list_processing_jobs()["ProcessingJobSummaries"])
        return arn

    return start


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


def test_a_restart_keeps_stacks_metrics_logs_and_objects(own_server):
    body = {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {}}}}
    cloudformation = own_server.client("cloudformation")
    cloudformation.create_stack(StackName="kept", TemplateBody=json.dumps(body))
    cloudformation.get_waiter("stack_create_complete").wait(
        StackName="kept", WaiterConfig={"Delay": 1}
    )
    (bucket,) = own_server.client("s3").list_buckets()["Buckets"]
    own_server.client("s3").put_object(Bucket=bucket["Name"], Key="a b+#é", Body=b"x")
    metric = {"MetricName": "kept", "Value": 3.0}
    own_server.client("cloudwatch").put_metric_data(Namespace="tests", MetricData=[metric])
    logs = own_server.client("logs")
    logs.create_log_group(logGroupName="kept")
    logs.create_log_stream(logGroupName="kept", logStreamName="one")
    event = {"timestamp": int(time.time() * 1000), "message": "é"}
    logs.put_log_events(logGroupName="kept", logStreamName="one", logEvents=[event])
    assert own_server.end() == 0
    assert not (own_server.state / "environment.json").exists()

    own_server.start()
    stacks = own_server.client("cloudformation").describe_stacks(StackName="kept")["Stacks"]
    assert stacks[0]["StackStatus"] == "CREATE_COMPLETE"
    assert newest_value(own_server, "kept") == 3.0
    (event,) = own_server.client("logs").filter_log_events(logGroupName="kept")["events"]
    assert event["message"] == "é"
    answer = own_server.client("s3").get_object(Bucket=bucket["Name"], Key="a b+#é")
    assert answer["Body"].read() == b"x"


def test_a_taken_port_is_refused_in_one_sentence(server, tmp_path):
    refused = serve(tmp_path, server.port)
    assert refused.returncode == 1
    last = refused.stderr.splitlines()[-1]
    assert last.startswith(f"Port {server.port} of 127.0.0.1 can't be used")


def test_a_second_server_on_one_folder_is_refused_in_one_sentence(server):
    refused = serve(server.state, 1)
    assert refused.returncode == 1
    assert "A rehearsal already runs on" in refused.stderr.splitlines()[-1]


def test_nothing_listens_but_on_the_loopback(server):
    """As the kernel lists the sockets of the server's process."""
    inodes = {
        link.readlink().name.removeprefix("socket:[").removesuffix("]")
        for link in (server.proc / "fd").iterdir()
        if str(link.readlink()).startswith("socket:")
    }
    addresses = []
    for table in ("tcp", "tcp6"):
        for line in (server.proc / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in inodes:
                addresses.append(fields[1].rpartition(":")[0])
    assert addresses == ["0100007F"]


def test_a_server_is_started_and_stopped_in_the_background(tmp_path):
    led = lifecycle.start(tmp_path, cache=tmp_path / "cache")
    try:
        assert lifecycle.is_running(tmp_path)
        assert led["REHEARSAL_STATE"] == str(tmp_path)
        assert f"export AWS_ENDPOINT_URL={led['AWS_ENDPOINT_URL']}" in lifecycle.exports(led)
        with pytest.raises(lifecycle.LifecycleError, match="already runs"):
            lifecycle.start(tmp_path)
    finally:
        assert lifecycle.stop(tmp_path)
    assert not lifecycle.is_running(tmp_path)
    assert not lifecycle.stop(tmp_path)


def test_a_server_comes_back_on_its_port(tmp_path):
    urls = []
    for _ in range(2):
        urls.append(lifecycle.start(tmp_path, cache=tmp_path / "cache")["AWS_ENDPOINT_URL"])
        lifecycle.stop(tmp_path)
    assert urls[0] == urls[1]


def test_a_server_that_cannot_start_says_why(server, tmp_path):
    with pytest.raises(lifecycle.LifecycleError, match=r"Port \d+ of 127.0.0.1 can't be used"):
        lifecycle.start(tmp_path, port=server.port)


def test_a_server_that_cannot_take_its_state_up_says_why(tmp_path):
    """Its state's record of a job lacks its status, as no server would have left it."""
    lifecycle.start(tmp_path, cache=tmp_path / "cache")
    lifecycle.stop(tmp_path)
    with sqlite3.connect(tmp_path / "sagemaker.sqlite") as store:
        store.execute(
            "insert into resources (kind, name, parent, arn, record) values (?, ?, ?, ?, ?)",
            ("training-job", "broken", "", "arn:broken", "{}"),
        )
    with pytest.raises(lifecycle.LifecycleError) as raised:
        lifecycle.start(tmp_path, cache=tmp_path / "cache")
    assert f"What {tmp_path} holds could not be taken up" in str(raised.value)
    assert "KeyError('TrainingJobStatus')" in str(raised.value)
    assert not lifecycle.is_running(tmp_path)


def test_ecr_refuses_to_describe_an_image_that_is_not_there(server, name):
    ecr = server.client("ecr")
    ecr.create_repository(repositoryName=name)
    with pytest.raises(ecr.exceptions.ImageNotFoundException):
        ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "none"}])
    ecr.put_image(repositoryName=name, imageTag="some", imageManifest="{}")
    found = ecr.describe_images(repositoryName=name, imageIds=[{"imageTag": "some"}])
    assert found["imageDetails"][0]["imageTags"] == ["some"]


def test_a_stop_waits_for_no_stack_and_a_start_says_it_failed(own_server):
    """A custom resource whose function never answers."""
    waiting = {"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Timeout": "3600"}}
    waiting["Properties"]["Handle"] = {"Ref": "Handle"}
    handle = {"Type": "AWS::CloudFormation::WaitConditionHandle"}
    body = {"Resources": {"Handle": handle, "Wait": waiting}}
    own_server.client("cloudformation").create_stack(
        StackName="waits", TemplateBody=json.dumps(body)
    )
    assert own_server.end() == 0
    own_server.start()
    (stack,) = own_server.client("cloudformation").describe_stacks(StackName="waits")["Stacks"]
    assert stack["StackStatus"] == "CREATE_FAILED"


def test_sagemaker_asks_iam_where_that_is_enforced(tmp_path):
    led = lifecycle.start(tmp_path, cache=tmp_path / "cache", enforce_iam=True)

    def client(service, credentials):
        return boto3.client(
            service,
            region_name="us-east-1",
            endpoint_url=led["AWS_ENDPOINT_URL"],
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials.get("SessionToken"),
        )

    def refused(call, **request):
        with pytest.raises(ClientError) as raised:
            call(**request)
        return raised.value.response["Error"]["Code"]

    def document(**statement):
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow"} | statement]})

    try:
        root = {"AccessKeyId": "test", "SecretAccessKey": "test"}
        trust = document(Principal={"Service": "sagemaker.amazonaws.com"}, Action="sts:AssumeRole")
        iam = client("iam", root)
        role = iam.create_role(RoleName="job", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        allowed = "arn:aws:sagemaker:us-east-1:000000000000"
        policy = document(
            Action=["sagemaker:DescribeModel", "sagemaker:InvokeEndpointAsync"],
            Resource=[f"{allowed}:model/mine", f"{allowed}:endpoint/mine"],
        )
        iam.put_role_policy(RoleName="job", PolicyName="one", PolicyDocument=policy)
        assumed = client("sts", root).assume_role(RoleArn=role, RoleSessionName="job")
        sagemaker = client("sagemaker", assumed["Credentials"])
        assert refused(sagemaker.describe_model, ModelName="mine") == "ValidationException"
        assert refused(sagemaker.describe_model, ModelName="other") == "AccessDeniedException"
        runtime = client("sagemaker-runtime", assumed["Credentials"])
        asked = {"InputLocation": "s3://bucket/key", "ContentType": "text/plain"}
        asynchronous = runtime.invoke_endpoint_async
        assert refused(asynchronous, EndpointName="mine", **asked) == "ValidationError"
        assert refused(asynchronous, EndpointName="other", **asked) == "AccessDeniedException"
        at_once = runtime.invoke_endpoint
        assert refused(at_once, EndpointName="mine", Body=b"") == "AccessDeniedException"
    finally:
        lifecycle.stop(tmp_path)
    recorded = {(each.action, each.is_allowed) for each in record.read(tmp_path)}
    assert recorded >= {
        ("sagemaker:InvokeEndpointAsync", True),
        ("sagemaker:InvokeEndpointAsync", False),
        ("sagemaker:InvokeEndpoint", False),
    }
