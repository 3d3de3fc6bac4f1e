"""Training jobs: what their containers find and what becomes of the model.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rehearsal.authorization.sagemaker import S3_MANAGED_KEY
from rehearsal.jobs import metrics, plan, transfer
from rehearsal.jobs.container_job import ContainerJob, Stage
from rehearsal.jobs.failure import JobFailure
from rehearsal.jobs.inputs import Input, parse_uri
from rehearsal.jobs.job_time import InstanceTime
from rehearsal.jobs.live_upload import LiveUpload
from rehearsal.jobs.plan import Plan
from rehearsal.s3_uri import S3Uri

_MODEL = "/opt/ml/model"
_DATA = "/opt/ml/output/data"
_CHECKPOINTS = "/opt/ml/checkpoints"
_TENSORBOARD = "/opt/ml/output/tensorboard"
_FAILURE = "/opt/ml/output/failure"
_SECONDARY = {
    Stage.STARTING: "Starting",
    Stage.DOWNLOADING: "Downloading",
    Stage.RUNNING: "Training",
    Stage.INTERRUPTED: "Interrupted",
}
_LONGEST_REASON = 1024


@dataclass(frozen=True)
class _SyncedFolder:
    """A folder of the containers that is copied to S3 while they run.

    Attributes:
        is_restored: what lies at the place is in the folder before the containers start.
    """

    name: str
    folder: str
    uri: str
    is_restored: bool


class TrainingJob(ContainerJob):
    """Runs a `CreateTrainingJob` request."""

    name_member = "TrainingJobName"
    # What the containers saved in the time after SIGTERM is the model as far as it got:
    # https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_StopTrainingJob.html
    delivers_when_stopped = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        # Also a job whose request can't be read ends with a report.
        self._time = InstanceTime()
        self._metrics = metrics.Metrics([], self.role, self.name)
        self._synced: list[_SyncedFolder] = []
        self._uploads: list[LiveUpload] = []

    def read(self, request: dict[str, Any], arn: str) -> Plan:
        """Plans the job; see `ContainerJob.read`."""
        algorithm = request["AlgorithmSpecification"]
        mode = algorithm["TrainingInputMode"]
        definitions = algorithm.get("MetricDefinitions", [])
        self._metrics = metrics.Metrics(definitions, self.role, self.name)
        self._synced = _synced_folders(request)
        resources = request["ResourceConfig"]
        groups = plan.instance_groups(resources.get("InstanceGroups", [resources]))
        files = _files(request)
        is_spot = request.get("EnableManagedSpotTraining", False)
        return Plan(
            image=_image(algorithm),
            entrypoint=algorithm.get("ContainerEntrypoint"),
            arguments=_arguments(algorithm),
            variables={"TRAINING_JOB_NAME": self.name, "TRAINING_JOB_ARN": arn}
            | request.get("Environment", {}),
            groups=groups,
            inputs=[_input(each, mode) for each in request.get("InputDataConfig", [])],
            folders=[_MODEL, _DATA, _CHECKPOINTS, *(each.folder for each in self._synced)],
            files=lambda host: (
                files
                | {"/opt/ml/input/config/resourceconfig.json": plan.resource_config(groups, host)}
            ),
            # Hosts of a training job listen on every interface, which is their own loopback only.
            private_network=True,
            names_hosts=True,
            max_runtime_seconds=plan.max_runtime_seconds(request),
            max_wait_seconds=request["StoppingCondition"]["MaxWaitTimeInSeconds"]
            if is_spot
            else None,
            log_group="/aws/sagemaker/TrainingJobs",
            volume_key_id=resources.get("VolumeKmsKeyId"),
            output_key_id=_output_key_id(request),
        )

    def reached(self, stage: Stage) -> None:
        """Reports the secondary status, and lets begin what is done while the containers run."""
        if stage is Stage.DOWNLOADING:
            self.change({"TrainingStartTime": self._time.acquire()})
        elif stage is Stage.RUNNING:
            for upload in self._uploads:
                upload.start()
            self._metrics.start()
        elif stage is Stage.INTERRUPTED:
            self._time.release()
        elif stage is Stage.OUT_OF_TIME:
            self.change({"TrainingJobStatus": "Stopping", "SecondaryStatus": "Stopping"})
        if stage in _SECONDARY:
            self.change({"SecondaryStatus": _SECONDARY[stage]})

    def download(self) -> None:
        """Brings the channels, and the checkpoints of an earlier job or attempt."""
        super().download()
        for each in self._synced:
            if each.is_restored:
                below = f"{each.uri.rstrip('/')}/"
                self.download_input(Input(each.name, below, each.folder), required=False)
        self._uploads = [self._upload_of(each) for each in self._synced]

    def after_run(self, lost: str | None) -> None:
        """Sends and uploads what is left."""
        # All must stop before one that fails ends the job.
        for upload in self._uploads:
            upload.stop()
        self._metrics.finish()
        if not self.closed.is_set():
            for upload in self._uploads:
                upload.finish(lost)

    def on_line(self, line: str) -> None:
        """Looks for metrics."""
        self._metrics.read(line)

    def deliver(self) -> dict[str, Any]:
        """Uploads the model and the other outputs."""
        self.change({"SecondaryStatus": "Uploading"})
        output = self.request["OutputDataConfig"]
        target = parse_uri(output["S3OutputPath"]).child(f"{self.name}/output/")
        if output.get("CompressionType", "GZIP") == "NONE":
            model = target.child("model/")
            for folder in self._on_hosts(_MODEL):
                transfer.upload(folder, model, self.s3, self.closed, self.plan.output_key_id)
        else:
            model = self._upload_archive(_MODEL, target.child("model.tar.gz"))
        self._upload_archive(_DATA, target.child("output.tar.gz"))
        return {"ModelArtifacts": {"S3ModelArtifacts": str(model)}}

    def _report_end(self, status: str, fields: Mapping[str, Any]) -> None:
        values = self._metrics.final()
        self._time.release()
        end = datetime.now(UTC)
        self.change(
            {
                "TrainingJobStatus": status,
                "SecondaryStatus": self.out_of_time.value if self.out_of_time else status,
                "TrainingEndTime": end,
            }
            | self._time.fields(end)
            | ({"FinalMetricDataList": values} if values else {})
            | dict(fields)
        )

    def algorithm_error(self, host: str, exit_code: int) -> str:
        """The sentence that the container left in its file `failure`."""
        path = plan.on_machine(self.folder / host, _FAILURE)
        reason = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        return f"AlgorithmError: {reason.strip()[:_LONGEST_REASON]}, exit code: {exit_code}"

    def _on_hosts(self, path: str) -> list[Path]:
        return [plan.on_machine(self.folder / host, path) for host in self.hosts]

    def _upload_of(self, each: _SyncedFolder) -> LiveUpload:
        folders = dict(zip(self.hosts, self._on_hosts(each.folder), strict=True))
        spare = self.folder / f"{each.name}.copy"
        return LiveUpload(folders, parse_uri(each.uri), self.s3, spare)

    def _upload_archive(self, path: str, place: S3Uri) -> S3Uri:
        """Of an empty folder there is none: SageMaker's training toolkit warns then that "Your
        training job will not save any model files to S3".
        """
        if not any(any(folder.iterdir()) for folder in self._on_hosts(path)):
            return place
        file = self.folder / place.key.rpartition("/")[2]
        transfer.pack(self._on_hosts(path), file)
        transfer.put(file, place, self.s3, self.plan.output_key_id)
        file.unlink()
        return place


def _output_key_id(request: Mapping[str, Any]) -> str:
    """Without one "SageMaker uses the default KMS key for Amazon S3 for your role's account",
    whatever the bucket's default is:
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    return request["OutputDataConfig"].get("KmsKeyId") or S3_MANAGED_KEY


def _image(algorithm: Mapping[str, Any]) -> str:
    image: str | None = algorithm.get("TrainingImage")
    if image is None:
        raise JobFailure("ClientError: the rehearsal trains with a TrainingImage: name one.")
    return image


def _arguments(algorithm: Mapping[str, Any]) -> Sequence[str] | None:
    by_default = None if "ContainerEntrypoint" in algorithm else ["train"]
    arguments: Sequence[str] | None = algorithm.get("ContainerArguments", by_default)
    return arguments


def _input(channel: Mapping[str, Any], mode: str) -> Input:
    """A channel; `mode` is that of the job, for one that names none."""
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise JobFailure(
            f"ClientError: the channel {name} has no S3DataSource, and the rehearsal has no other "
            "kind."
        )
    return Input.of_source(
        name, source, f"/opt/ml/input/data/{name}", channel.get("InputMode", mode)
    )


def _synced_folders(request: Mapping[str, Any]) -> list[_SyncedFolder]:
    synced = []
    if config := request.get("CheckpointConfig"):
        folder = config.get("LocalPath", _CHECKPOINTS)
        synced.append(_SyncedFolder("checkpoints", folder, config["S3Uri"], is_restored=True))
    if config := request.get("TensorBoardOutputConfig"):
        folder = config.get("LocalPath", _TENSORBOARD)
        # Where `latest_job_tensorboard_artifacts_path` of the SageMaker SDK, version 2, finds it.
        place = f"{request['TrainingJobName']}/tensorboard-output"
        uri = str(parse_uri(config["S3OutputPath"]).child(place))
        synced.append(_SyncedFolder("tensorboard", folder, uri, is_restored=False))
    return synced


def _files(request: Mapping[str, Any]) -> dict[str, Any]:
    mode = request["AlgorithmSpecification"]["TrainingInputMode"]
    return {
        "/opt/ml/input/config/hyperparameters.json": request.get("HyperParameters", {}),
        "/opt/ml/input/config/inputdataconfig.json": {
            channel["ChannelName"]: _channel(channel, mode)
            for channel in request.get("InputDataConfig", [])
        },
    }


def _channel(channel: Mapping[str, Any], mode: str) -> dict[str, Any]:
    source = channel["DataSource"].get("S3DataSource", {})
    content_type = {"ContentType": channel["ContentType"]} if "ContentType" in channel else {}
    return content_type | {
        "TrainingInputMode": channel.get("InputMode", mode),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
