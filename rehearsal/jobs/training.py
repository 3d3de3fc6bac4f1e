"""Training jobs: what their containers find and what becomes of the model.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rehearsal.jobs import archive, locations, metrics, plan, transfer
from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Input
from rehearsal.jobs.job import Job, Stage
from rehearsal.jobs.locations import Location
from rehearsal.jobs.plan import Plan

_MODEL = "/opt/ml/model"
_DATA = "/opt/ml/output/data"
_CHECKPOINTS = "/opt/ml/checkpoints"
_FAILURE = "/opt/ml/output/failure"
_SECONDARY = {
    Stage.STARTING: "Starting",
    Stage.DOWNLOADING: "Downloading",
    Stage.RUNNING: "Training",
}
_LONGEST_REASON = 1024
_DEFAULT_MAX_RUNTIME = 86_400


class TrainingJob(Job):
    """Runs a `CreateTrainingJob` request."""

    def read(self, request: dict[str, Any], arn: str) -> Plan:
        algorithm = request["AlgorithmSpecification"]
        self.metrics = metrics.Metrics(algorithm.get("MetricDefinitions", []))
        self._started_at: datetime | None = None
        self._checkpoints = _checkpoints(request)
        groups = _groups(request["ResourceConfig"])
        files = _files(request)
        name = request["TrainingJobName"]
        return Plan(
            name=name,
            role_arn=request["RoleArn"],
            image=_image(algorithm),
            entrypoint=algorithm.get("ContainerEntrypoint"),
            arguments=_arguments(algorithm),
            variables={"TRAINING_JOB_NAME": name, "TRAINING_JOB_ARN": arn}
            | request.get("Environment", {}),
            groups=groups,
            inputs=[_input(each) for each in request.get("InputDataConfig", [])],
            folders=[
                _MODEL,
                _DATA,
                self._checkpoints.folder if self._checkpoints else _CHECKPOINTS,
            ],
            files=lambda host: (
                files
                | {"/opt/ml/input/config/resourceconfig.json": plan.resource_config(groups, host)}
            ),
            # Hosts of a training job listen on every interface, which is their own loopback only.
            private_network=True,
            max_runtime_seconds=request["StoppingCondition"].get(
                "MaxRuntimeInSeconds", _DEFAULT_MAX_RUNTIME
            ),
            log_group="/aws/sagemaker/TrainingJobs",
        )

    def reached(self, stage: Stage) -> None:
        if stage is Stage.DOWNLOADING:
            self._started_at = datetime.now(UTC)
            self.change({"TrainingStartTime": self._started_at})
        self.change({"SecondaryStatus": _SECONDARY[stage]})

    def download(self) -> None:
        super().download()
        if self._checkpoints:
            self.bring(self._checkpoints, required=False)

    def after_run(self) -> None:
        # AWS copies them all the time; here they are there when the job has ended, however it did.
        if self._checkpoints:
            target = locations.parse(self._checkpoints.uri)
            for folder in self._on_hosts(self._checkpoints.folder):
                transfer.upload(folder, target, self.s3, threading.Event())

    def heard(self, line: str) -> None:
        self.metrics.read(line)

    def deliver(self) -> dict[str, Any]:
        self.change({"SecondaryStatus": "Uploading"})
        output = self.request["OutputDataConfig"]
        target = locations.parse(output["S3OutputPath"]).child(f"{self.name}/output/")
        if output.get("CompressionType", "GZIP") == "NONE":
            model = self._upload_plain(_MODEL, target.child("model/"))
        else:
            model = self._upload_archive(_MODEL, target.child("model.tar.gz"))
        if any(any(folder.iterdir()) for folder in self._on_hosts(_DATA)):
            self._upload_archive(_DATA, target.child("output.tar.gz"))
        return {"ModelArtifacts": {"S3ModelArtifacts": str(model)}}

    def ended(self, status: str, fields: Mapping[str, Any]) -> None:
        end = datetime.now(UTC)
        values = self.metrics.publish(self.settings, self.name)
        seconds = round((end - self._started_at).total_seconds()) if self._started_at else 0
        self.change(
            {
                "TrainingJobStatus": status,
                "SecondaryStatus": "MaxRuntimeExceeded" if self.out_of_time else status,
                "TrainingEndTime": end,
                "TrainingTimeInSeconds": max(seconds, 1),
                "BillableTimeInSeconds": max(seconds, 1),
            }
            | ({"FinalMetricDataList": values} if values else {})
            | dict(fields)
        )

    def algorithm_error(self, host: str, exit_code: int) -> str:
        path = plan.on_machine(self.folder / host, _FAILURE)
        said = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return f"AlgorithmError: {said.strip()[:_LONGEST_REASON]}, exit code: {exit_code}"

    def _on_hosts(self, path: str) -> list[Any]:
        return [plan.on_machine(self.folder / host, path) for host in self.hosts]

    def _key_id(self) -> str | None:
        return self.request["OutputDataConfig"].get("KmsKeyId") or None

    def _upload_archive(self, path: str, place: Location) -> Location:
        file = self.folder / place.key.rpartition("/")[2]
        archive.pack(self._on_hosts(path), file)
        transfer.put(file, place, self.s3, self._key_id())
        file.unlink()
        return place

    def _upload_plain(self, path: str, place: Location) -> Location:
        for folder in self._on_hosts(path):
            transfer.upload(folder, place, self.s3, self.cancelled, self._key_id())
        return place


def _image(algorithm: Mapping[str, Any]) -> str:
    image: str | None = algorithm.get("TrainingImage")
    if image is None:
        raise JobFailure("ClientError: the rehearsal trains with a TrainingImage: name one.")
    return image


def _arguments(algorithm: Mapping[str, Any]) -> Sequence[str] | None:
    arguments: Sequence[str] | None = algorithm.get("ContainerArguments")
    if arguments is None and "ContainerEntrypoint" not in algorithm:
        return ["train"]
    return arguments


def _groups(resources: Mapping[str, Any]) -> tuple[plan.InstanceGroup, ...]:
    if "InstanceGroups" in resources:
        return plan.instance_groups(
            [
                (group["InstanceGroupName"], group["InstanceType"], group["InstanceCount"])
                for group in resources["InstanceGroups"]
            ]
        )
    return plan.instance_groups(
        [("homogeneousCluster", resources["InstanceType"], resources.get("InstanceCount", 1))]
    )


def _input(channel: Mapping[str, Any]) -> Input:
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise JobFailure(
            f"ClientError: the channel {name} has no S3DataSource, and the rehearsal has no other "
            f"kind."
        )
    if (
        channel.get("InputMode", "File") == "Pipe"
        or channel.get("CompressionType", "None") != "None"
    ):
        raise JobFailure(
            f"ClientError: the channel {name} is to be streamed or unpacked, which the rehearsal "
            f"does not do: use the "
            "input mode File and no compression."
        )
    return Input(
        name=name,
        uri=source["S3Uri"],
        folder=f"/opt/ml/input/data/{name}",
        data_type=source["S3DataType"],
        distribution=source.get("S3DataDistributionType", "FullyReplicated"),
    )


def _checkpoints(request: Mapping[str, Any]) -> Input | None:
    """Where checkpoints are kept over stops: like an input, but nothing need be there yet."""
    config = request.get("CheckpointConfig")
    if config is None:
        return None
    return Input("checkpoints", config["S3Uri"], config.get("LocalPath", _CHECKPOINTS))


def _files(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "/opt/ml/input/config/hyperparameters.json": request.get("HyperParameters", {}),
        "/opt/ml/input/config/inputdataconfig.json": {
            channel["ChannelName"]: _channel(channel)
            for channel in request.get("InputDataConfig", [])
        },
    }


def _channel(channel: Mapping[str, Any]) -> dict[str, Any]:
    source = channel["DataSource"].get("S3DataSource", {})
    content_type = {"ContentType": channel["ContentType"]} if "ContentType" in channel else {}
    return content_type | {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
