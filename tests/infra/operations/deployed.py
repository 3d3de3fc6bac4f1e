"""The operations stack of dev, as it was synthesised, deployed to a rehearsal's server."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.functions.archive import zipped
from tests.infra.cloud_assembly import CloudAssembly
from tests.rehearsal.conftest import Server, eventually

ACCOUNT = "000000000000"
WORKING, ARTIFACTS = "working-of-dev", "artifacts-of-dev"
NAME = "shardwise-dev"
STACK = f"{NAME}-operations"
ASSETS = f"cdk-hnb659fds-assets-{ACCOUNT}-us-east-1"


class Operations:
    """Attributes:
    topic: ARN of the topic.
    """

    def __init__(self, server: Server, assembly: CloudAssembly) -> None:
        self.server = server
        self._cloudformation = server.client("cloudformation")
        file = assembly.template_file("dev", "operations")
        template = json.loads(file.read_text("utf-8"))
        for bucket in (WORKING, ARTIFACTS, ASSETS):
            server.client("s3").create_bucket(Bucket=bucket)
        self._publish_assets(file)
        server.client("ssm").put_parameter(
            Name="/cdk-bootstrap/hnb659fds/version", Value="28", Type="String"
        )
        self.create(f"{NAME}-others", _exporting(template))
        outputs = self.create(STACK, template)
        self.topic = outputs["TopicArn"]

    def create(self, name: str, template: dict[str, Any]) -> dict[str, str]:
        """Creates a stack and gives its outputs."""
        self._cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(template),
            Capabilities=["CAPABILITY_IAM"],
        )
        self.wait_for(name, "CREATE_COMPLETE")
        (stack,) = self._cloudformation.describe_stacks(StackName=name)["Stacks"]
        return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}

    def wait_for(self, stack: str, status: str) -> None:
        def state() -> str:
            (found,) = self._cloudformation.describe_stacks(StackName=stack)["Stacks"]
            return str(found["StackStatus"])

        eventually(lambda: state() == status, state)

    def function(self) -> str:
        """Name of the reporter."""
        resources = self._cloudformation.describe_stack_resources(StackName=STACK)
        (name,) = (
            r["PhysicalResourceId"]
            for r in resources["StackResources"]
            if r["ResourceType"] == "AWS::Lambda::Function"
        )
        return str(name)

    def subscribe(self) -> Callable[[], list[dict[str, str]]]:
        """A queue behind the topic; gives all that came up to now, as `Subject` and `Message`."""
        sqs, kept = self.server.client("sqs"), []
        queue = sqs.create_queue(QueueName="everybody")["QueueUrl"]
        found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        arn = found["Attributes"]["QueueArn"]
        sender = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [sender]})
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
        self.server.client("sns").subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn)

        def received() -> list[dict[str, str]]:
            for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
                "Messages", []
            ):
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                kept.append(json.loads(message["Body"]))
            return kept

        return received

    def _publish_assets(self, template: Path) -> None:
        listed = json.loads(
            template.with_name(template.name.replace("template", "assets")).read_text("utf-8")
        )
        for asset in listed["files"].values():
            if asset["source"]["packaging"] == "zip":
                (destination,) = asset["destinations"].values()
                self.server.client("s3").put_object(
                    Bucket=ASSETS,
                    Key=destination["objectKey"],
                    Body=zipped(template.parent / asset["source"]["path"]),
                )


def _exporting(template: dict[str, Any]) -> dict[str, Any]:
    """A template with all that another one imports from the stacks that are not there."""
    names = sorted(set(re.findall(r'"Fn::ImportValue": "([^"]+)"', json.dumps(template))))
    outputs = {
        f"O{number}": {"Value": _value(name), "Export": {"Name": name}}
        for number, name in enumerate(names)
    }
    return {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}, "Outputs": outputs}


def _value(export: str) -> str:
    bucket = ARTIFACTS if "Artifacts" in export else WORKING
    if "FnGetAttArtifacts" in export or "FnGetAttWorking" in export:
        return f"arn:aws:s3:::{bucket}"
    if "RefArtifacts" in export or "RefWorking" in export:
        return bucket
    return re.sub(r"\W", "-", export)[-60:]
