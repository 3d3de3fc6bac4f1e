"""`fake_server.py STATE PORT FLAGS`: the real server, whose jobs and model servers only pretend."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from rehearsal import aws, server
from rehearsal.backends import (
    INVOCATION_SECONDS,
    Call,
    Capacity,
    Change,
    Configuration,
    DeploymentConfig,
    ExecutionReports,
    PipelineBackend,
    Variant,
)
from rehearsal.endpoints.capacities import summary
from rehearsal.errors import ApiError
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.modes import Modes, mode_options
from rehearsal.pipelines.engine import Engine
from rehearsal.settings import RehearsalSettings


class Jobs:
    """A job does what its environment variable OUTCOME says: Completed, Failed, Hang, OverTime, or
    FailedOnce, where the first job of a step of an execution fails.

    One that fails writes a line, as its first host. Transform jobs are the real thing.
    """

    def __init__(self, settings: RehearsalSettings) -> None:
        self._settings = settings
        self._processes = ProcessBackend(settings)
        self._failed: set[str] = set()
        self._stops: dict[str, threading.Event] = {}

    def start_processing_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._start("Processing", request, arn, change)

    def start_training_job(self, request: dict[str, Any], arn: str, change: Change) -> None:
        self._start("Training", request, arn, change)

    def start_transform_job(
        self, request: dict[str, Any], variant: Variant, arn: str, change: Change
    ) -> None:
        self._processes.start_transform_job(request, variant, arn, change)

    def _start(self, kind: str, request: dict[str, Any], arn: str, change: Change) -> None:
        stop = self._stops.setdefault(arn, threading.Event())
        arguments = (kind, request, change, stop)
        threading.Thread(target=self._run, args=arguments, daemon=True).start()

    def _run(
        self, kind: str, request: dict[str, Any], change: Change, stop: threading.Event
    ) -> None:
        outcome = request.get("Environment", {}).get("OUTCOME", "Completed")
        if outcome == "FailedOnce":
            outcome = self._first_fails(request[f"{kind}JobName"].rpartition("-")[0])
        began = datetime.now(UTC)
        if outcome == "OverTime":
            began -= timedelta(seconds=request["StoppingCondition"]["MaxRuntimeInSeconds"])
        change({f"{kind}StartTime": began})
        if kind == "Training":
            change({"SecondaryStatus": "Training"})
        if outcome == "Hang":
            stop.wait()
            outcome = "Stopped"
        fields: dict[str, Any] = {
            f"{kind}JobStatus": outcome,
            f"{kind}EndTime": datetime.now(UTC),
        }
        if kind == "Training":
            fields["SecondaryStatus"] = outcome
            uri = f"{request['OutputDataConfig']['S3OutputPath']}/model.tar.gz"
            fields["ModelArtifacts"] = {"S3ModelArtifacts": uri}
        if outcome == "OverTime":
            fields[f"{kind}JobStatus"] = "Stopped"
            if kind == "Training":
                fields["SecondaryStatus"] = "MaxRuntimeExceeded"
        if outcome == "Failed":
            self._write(f"/aws/sagemaker/{kind}Jobs", f"{request[f'{kind}JobName']}/algo-1-1")
            fields["FailureReason"] = "AlgorithmError: it was told to fail"
        change(fields)

    def _first_fails(self, step: str) -> str:
        if step in self._failed:
            return "Completed"
        self._failed.add(step)
        return "Failed"

    def _write(self, group: str, stream: str) -> None:
        logs = aws.client(self._settings, "logs")
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName=stream)
        line = {"timestamp": int(time.time() * 1000), "message": "I was told to fail"}
        logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[line])

    def stop(self, arn: str) -> None:
        if arn in self._stops:
            self._stops[arn].set()
        self._processes.stop(arn)

    def close(self) -> None:
        self._processes.close()


class Endpoints:
    """A fleet comes up once its model's data was read from this server's S3."""

    def __init__(self, settings: RehearsalSettings) -> None:
        self._settings = settings
        self._serving: dict[str, list[Variant]] = {}

    def deploy(
        self,
        endpoint_name: str,
        configuration: Configuration,
        deployment: DeploymentConfig,
        change: Change,
    ) -> None:
        arguments = (endpoint_name, list(configuration.variants), change)
        threading.Thread(target=self._deploy, args=arguments, daemon=True).start()

    def _deploy(self, name: str, variants: list[Variant], change: Change) -> None:
        try:
            for variant in variants:
                self._load(variant)
        except Exception as error:  # noqa: BLE001 - whatever S3 says
            status = "InService" if name in self._serving else "Failed"
            change({"EndpointStatus": status, "FailureReason": f"The fleet is ill: {error}"})
            return
        self._serving[name] = variants
        change({"EndpointStatus": "InService"})

    def _load(self, variant: Variant) -> None:
        time.sleep(float(variant.environment.get("SECONDS", "0")))
        if variant.model_data_url:
            place = urlsplit(variant.model_data_url)
            s3 = aws.client(self._settings, "s3")
            s3.get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()

    def change_capacity(
        self, endpoint_name: str, capacities: Mapping[str, Capacity], change: Change
    ) -> None:
        variants = [
            replace(
                each,
                weight=_or(capacities[each.name].weight, each.weight),
                instance_count=_or(capacities[each.name].instance_count, each.instance_count),
            )
            if each.name in capacities
            else each
            for each in self._serving[endpoint_name]
        ]
        self._serving[endpoint_name] = variants
        shown = [summary(each) for each in variants]
        change({"EndpointStatus": "InService", "ProductionVariants": shown})

    def delete(self, endpoint_name: str) -> None:
        self._serving.pop(endpoint_name, None)

    def invoke(
        self,
        endpoint_name: str,
        body: bytes,
        headers: Mapping[str, str],
        timeout_seconds: float = INVOCATION_SECONDS,
    ) -> tuple[int, dict[str, str], bytes]:
        variant = self._serving[endpoint_name][0]
        if body == b"bad":
            return 400, {"Content-Type": "text/plain"}, b"no image"
        if body.startswith(b"sleep "):
            seconds = float(body.split()[1])
            time.sleep(min(seconds, timeout_seconds))
            if seconds > timeout_seconds:
                raise ApiError("ModelError", "Your invocation timed out.", 424)
        answer = {
            "bytes": len(body),
            "type": headers.get("content-type"),
            "environment": variant.environment,
            "package": variant.model_package_arn,
        }
        given = {
            "Content-Type": "application/json",
            "x-Amzn-Invoked-Production-Variant": variant.name,
        }
        return 200, given, json.dumps(answer).encode()

    def close(self) -> None:
        return None


def _or(wanted: Any, had: Any) -> Any:
    return had if wanted is None else wanted


class Backends:
    def jobs(self, settings: RehearsalSettings) -> Jobs:
        return Jobs(settings)

    def endpoints(self, settings: RehearsalSettings) -> Endpoints:
        return Endpoints(settings)

    def pipelines(
        self, settings: RehearsalSettings, call: Call, reports: ExecutionReports
    ) -> PipelineBackend:
        return Engine(settings, call, reports, poll_seconds=0.02)


@click.command()
@click.argument("state", type=click.Path(path_type=Path))
@click.argument("port", type=int)
@click.option("--enforce-iam", is_flag=True)
@mode_options
def main(state: Path, port: int, enforce_iam: bool, modes: Modes) -> None:
    server.log_to_stderr()
    server.serve(
        RehearsalSettings(state, state / "cache", port, modes=modes),
        backends=Backends(),
        enforce_iam=enforce_iam,
    )


if __name__ == "__main__":
    main()
