"""The trigger's own stack, deployed to a rehearsal's server, with a bucket and a pipeline."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.functions.archive import zipped
from tests.infra.cloud_assembly import CloudAssembly
from tests.rehearsal.conftest import Server, eventually

SERVER = Path(__file__).parent / "slow_server.py"
DROPS, ARTIFACTS, ASSETS, PIPELINE = "drops", "artifacts", "assets", "shardwise-dev"
ROLE = "arn:aws:iam::000000000000:role/tests"
WORK = {
    "RoleArn": ROLE,
    "AppSpecification": {"ImageUri": "000000000000.dkr.ecr.us-east-1.amazonaws.com/tests:1"},
    "ProcessingResources": {
        "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    },
}
DEFINITION = {
    "Version": "2020-12-01",
    "Parameters": [{"Name": "DropId", "Type": "String"}],
    "Steps": [{"Name": "Work", "Type": "Processing", "Arguments": WORK}],
}


class Trigger(Server):
    """Its server may be killed and started again."""

    def __init__(self, state: Path, assembly: CloudAssembly) -> None:
        super().__init__(state, program=SERVER)
        self.start()
        for bucket in (DROPS, ARTIFACTS, ASSETS):
            self.client("s3").create_bucket(Bucket=bucket)
        self.client("s3").put_bucket_notification_configuration(
            Bucket=DROPS, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        self._role()
        self.client("sagemaker").create_pipeline(
            PipelineName=PIPELINE, PipelineDefinition=json.dumps(DEFINITION), RoleArn=ROLE
        )
        self._outputs("data", DropsBucketName=DROPS, ArtifactsBucketName=ARTIFACTS)
        self._outputs("training", PipelineName=PIPELINE)
        outputs = self._create("trigger", self._template(assembly))
        self.function = outputs["StarterFunctionName"]
        self.table = outputs["DropsTableName"]

    @property
    def variables(self) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }

    def mark(self, drop_id: str, content: bytes = b"") -> None:
        """Writes a drop's marker."""
        self.client("s3").put_object(Bucket=DROPS, Key=f"drops/{drop_id}/_SUCCESS", Body=content)

    def jobs_end(self, outcome: str) -> None:
        """From now on; "" for never."""
        place = self.state / "outcome"
        if outcome:
            made = place.with_suffix(".new")
            made.write_text(outcome, encoding="utf-8")
            made.replace(place)
        else:
            place.unlink(missing_ok=True)

    def invoke(self, event: dict[str, Any]) -> Any:
        answer = self.client("lambda").invoke(
            FunctionName=self.function, Payload=json.dumps(event).encode()
        )
        content = answer["Payload"].read()
        assert "FunctionError" not in answer, content
        return json.loads(content or b"null")

    def configure(self, **variables: str) -> None:
        """Sets some of the function's environment variables."""
        client = self.client("lambda")
        known = client.get_function_configuration(FunctionName=self.function)
        client.update_function_configuration(
            FunctionName=self.function,
            Environment={"Variables": known["Environment"]["Variables"] | variables},
        )

    def states(self) -> dict[str, str]:
        """Of all drops on record."""
        return {item["Id"]["S"]: item["State"]["S"] for item in self._items("drop")}

    def runs(self) -> list[dict[str, Any]]:
        """Items of the runs, the oldest first."""
        return self._items("run")

    def _items(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client("dynamodb").query(
            TableName=self.table,
            KeyConditionExpression="Kind = :kind",
            ExpressionAttributeValues={":kind": {"S": kind}},
            ConsistentRead=True,
        )["Items"]
        return found

    def executions(self) -> list[dict[str, Any]]:
        """The oldest first."""
        found: list[dict[str, Any]] = self.client("sagemaker").list_pipeline_executions(
            PipelineName=PIPELINE, SortBy="CreationTime", SortOrder="Ascending"
        )["PipelineExecutionSummaries"]
        return found

    def settles(self) -> dict[str, str]:
        """Waits until nothing waits or runs; gives the drops' states."""
        busy = {"Waiting", "Starting", "Executing", "Stopping"}

        def at_rest() -> list[dict[str, str]]:
            states = self.states()
            return [] if busy & set(states.values()) else [states]

        (found,) = eventually(at_rest, self.states)
        return dict(found)

    def _role(self) -> None:
        """The pipeline's own, which starts its jobs."""
        iam, name = self.client("iam"), ROLE.rpartition("/")[2]
        trust = {"Service": "sagemaker.amazonaws.com"}
        iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=_policy(Action="sts:AssumeRole", Principal=trust),
        )
        jobs = [f"sagemaker:{verb}ProcessingJob" for verb in ("Create", "Describe", "Stop")]
        iam.put_role_policy(
            RoleName=name,
            PolicyName="jobs",
            PolicyDocument=_policy(
                Action=[*jobs, "sagemaker:AddTags", "iam:PassRole"], Resource="*"
            ),
        )

    def _template(self, assembly: CloudAssembly) -> dict[str, Any]:
        template = assembly.template("dev", "trigger")
        imported = _with_imports(
            {key: template[key] for key in ("Resources", "Outputs")},
            {
                f"{kind}{unit}": name if kind == "Ref" else f"arn:aws:s3:::{name}"
                for kind in ("Ref", "FnGetAtt")
                for unit, name in (("Drops", DROPS), ("Artifacts", ARTIFACTS))
            },
        )
        for resource in imported["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                key = resource["Properties"]["Code"]["S3Key"]
                archive = zipped(assembly.folder / f"asset.{key.removesuffix('.zip')}")
                self.client("s3").put_object(Bucket=ASSETS, Key=key, Body=archive)
                resource["Properties"]["Code"] = {"S3Bucket": ASSETS, "S3Key": key}
        return dict(imported)

    def _outputs(self, unit: str, **values: str) -> None:
        template = {
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
            "Outputs": {key: {"Value": value} for key, value in values.items()},
        }
        self._create(unit, template)

    def _create(self, unit: str, template: dict[str, Any]) -> dict[str, str]:
        client, name = self.client("cloudformation"), f"shardwise-dev-{unit}"
        client.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
        client.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        (stack,) = client.describe_stacks(StackName=name)["Stacks"]
        return {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", [])}


def _with_imports(value: Any, imports: dict[str, str]) -> Any:
    """Part of a template with the buckets' names and ARNs where it imports them."""
    match value:
        case {"Fn::ImportValue": str(name)}:
            kind = re.search(r":ExportsOutput((Ref|FnGetAtt)(Drops|Artifacts))", name)
            assert kind, name
            return imports[kind[1]]
        case dict():
            return {key: _with_imports(item, imports) for key, item in value.items()}
        case list():
            return [_with_imports(item, imports) for item in value]
    return value


def _policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})
