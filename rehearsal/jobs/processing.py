"""Processing jobs: what their containers find and what becomes of their outputs.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rehearsal.jobs import plan, transfer
from rehearsal.jobs.container_job import ContainerJob, Stage
from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Input, parse_uri
from rehearsal.jobs.plan import Plan

_LONGEST_MESSAGE = 1024
_LEFT_OUT = ("Tags", "ExperimentConfig")  # of what the containers find of the request


class ProcessingJob(ContainerJob):
    """Runs a `CreateProcessingJob` request."""

    name_member = "ProcessingJobName"

    def read(self, request: dict[str, Any], arn: str) -> Plan:
        """Plans the job; see `ContainerJob.read`."""
        app = request["AppSpecification"]
        cluster = request["ProcessingResources"]["ClusterConfig"]
        groups = plan.instance_groups([cluster])
        isolated = request.get("NetworkConfig", {}).get("EnableNetworkIsolation", False)
        configuration = {"ProcessingJobArn": arn} | {
            name: value for name, value in request.items() if name not in _LEFT_OUT
        }
        files = {"/opt/ml/config/processingjobconfig.json": configuration}
        return Plan(
            image=app["ImageUri"],
            entrypoint=app.get("ContainerEntrypoint"),
            arguments=app.get("ContainerArguments"),
            variables={"PROCESSING_JOB_ARN": arn} | request.get("Environment", {}),
            groups=groups,
            inputs=[_input(each) for each in _by_platform(request.get("ProcessingInputs", []))],
            folders=[each["S3Output"]["LocalPath"] for each in _outputs(request)],
            files=lambda host: (
                files | {"/opt/ml/config/resourceconfig.json": plan.resource_config(groups, host)}
            ),
            private_network=isolated,
            # Isolation keeps the hosts from one another, too, and DNS away.
            names_hosts=not isolated,
            max_runtime_seconds=plan.max_runtime_seconds(request),
            log_group="/aws/sagemaker/ProcessingJobs",
            volume_key_id=cluster.get("VolumeKmsKeyId"),
            output_key_id=request.get("ProcessingOutputConfig", {}).get("KmsKeyId"),
        )

    def reached(self, stage: Stage) -> None:
        """Reports the start of the containers; the API shows no other stage."""
        if stage is Stage.RUNNING:
            self.change({"ProcessingStartTime": datetime.now(UTC)})

    def deliver(self) -> dict[str, Any]:
        """Uploads each output of each host."""
        for output in _outputs(self.request):
            target = parse_uri(output["S3Output"]["S3Uri"])
            for host in self.hosts:
                folder = plan.on_machine(self.folder / host, output["S3Output"]["LocalPath"])
                transfer.upload(folder, target, self.s3, self.cancelled, self.plan.output_key_id)
        return {}

    def _report_end(self, status: str, fields: Mapping[str, Any]) -> None:
        message = self._exit_message()
        self.change(
            {"ProcessingJobStatus": status, "ProcessingEndTime": datetime.now(UTC)}
            | ({"ExitMessage": message} if message else {})
            | dict(fields)
        )

    def algorithm_error(self, host: str, exit_code: int) -> str:
        """The sentence of AWS, which leaves the container's own to the ExitMessage."""
        return f"AlgorithmError: See job logs for more information, exit code: {exit_code}"

    def _exit_message(self) -> str:
        for host in self.hosts:
            path = plan.on_machine(self.folder / host, "/opt/ml/output/message")
            if path.is_file():
                return path.read_text(encoding="utf-8", errors="replace")[:_LONGEST_MESSAGE]
        return ""


def _by_platform(channels: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The inputs or outputs that the platform brings, and not the application itself."""
    return [each for each in channels if not each.get("AppManaged", False)]


def _input(value: Mapping[str, Any]) -> Input:
    name, source = value["InputName"], value.get("S3Input")
    if source is None:
        raise JobFailure(
            f"ClientError: the input {name} has no S3Input, and the rehearsal has no other kind."
        )
    return Input.of_source(name, source, source["LocalPath"])


def _outputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return [each for each in _by_platform(outputs) if "S3Output" in each]
