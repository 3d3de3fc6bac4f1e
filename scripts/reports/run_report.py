"""Gathers what there is of an execution, and writes the page."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import boto3
from botocore.exceptions import ClientError
from jinja2 import TemplateError

from functions.reporter import messages
from functions.reporter.executions import Executions, Job, log_streams
from functions.reporter.reasons import Cause, judge
from scripts.console import CommandError, explain
from scripts.deployed import stacks
from scripts.deployed.logs import STREAMS_SHOWN, last_lines, lines_of
from scripts.reports.evidence import (
    Answer,
    Ended,
    Evidence,
    Reader,
    ask_endpoint,
    choose_predictions,
    disagreements,
)
from scripts.reports.page import CURVES, render

ANSWERS = 30
CONFUSIONS = 10
_GONE = frozenset({"NoSuchKey", "NoSuchBucket", "404"})
# `training` logs a line an epoch, which its metric definitions read too.
_EPOCH = re.compile(r"\bepoch=(?P<epoch>\d+)(?P<metrics>(?: \w+=\S+)+)")
# Pieces of JSON, and what stands for one that is not there.
_LACKING: dict[str, Any] = {
    "dataset": None,
    "shards": [],
    "training": None,
    "history": [],
    "evaluation": None,
}
Piece = TypeVar("Piece")


def write_report(
    file: Path, session: boto3.Session, environment: str, execution_arn: str
) -> Evidence:
    """Writes the report of an execution, however it ended; gives what it shows.

    Raises:
        CommandError: the file can't be written, or the endpoint answers otherwise than the
            evaluation did.
    """
    evidence = readable(Gathering(session, environment, execution_arn).evidence())
    try:
        file.write_text(render(evidence), encoding="utf-8")
    except OSError as error:
        raise CommandError(
            f"The report can't be written to {file}: {error.strerror}; name another file."
        ) from error
    different = disagreements(evidence.answers)
    if different:
        raise CommandError(
            f"The endpoint answers otherwise than the evaluation did for {len(different)} of "
            f"{len(evidence.answers)} images, the first {different[0]}: see {file}."
        )
    return evidence


class Gathering:
    """Reads each piece for itself: one that is not there, or broken, takes no other with it."""

    def __init__(self, session: boto3.Session, environment: str, execution_arn: str) -> None:
        self._session = session
        self._environment = environment
        data = stacks.outputs_of(stacks.describe(session, environment, "data"))
        self._reader = Reader(session, execution_arn, data)
        self._execution = Executions(session.client("sagemaker")).read(execution_arn)
        self._missing: dict[str, str] = {}

    def evidence(self) -> Evidence:
        """All there is, with a sentence on each piece that is not."""
        reader, execution = self._reader, self._execution
        training = self._piece("training", "TrainModel", self._training)
        return Evidence(
            environment=self._environment,
            execution_arn=execution.arn,
            status=execution.status,
            drop_id=execution.drop_id,
            model_package_arn=execution.package,
            ended=self._ended(),
            steps=tuple(step for step in execution.steps if step.started),
            dataset=self._piece("dataset", "CreateManifests", reader.dataset),
            shards=self._piece("shards", "ShardImages", reader.shards) or [],
            training=training,
            history=self._history(training),
            evaluation=self._evaluated("evaluation", "json", json.loads),
            confusions=self._piece(
                "confusions", "EvaluateModel", lambda: reader.confusions(CONFUSIONS)
            )
            or [],
            confusion_matrix=self._evaluated("confusion_matrix", "png"),
            reliability=self._evaluated("reliability", "png"),
            worst_mistakes=self._evaluated("worst_mistakes", "html", bytes.decode),
            answers=self._answers(),
            missing=self._missing,
        )

    def _evaluated(self, name: str, suffix: str, parse: Callable[[bytes], Any] = bytes) -> Any:
        """A file of the evaluation's; None where it is not there."""
        return self._piece(
            name, "EvaluateModel", lambda: parse(self._reader.evaluated(f"{name}.{suffix}"))
        )

    def _piece(self, name: str, step: str, read: Callable[[], Piece]) -> Piece | None:
        """None, and a sentence on why, where it is not there."""
        try:
            piece = read()
        except ClientError as error:
            is_gone = error.response.get("Error", {}).get("Code") in _GONE
            self._missing[name] = self._why(step) if is_gone else explain(error)
        except (ValueError, LookupError, csv.Error) as error:
            self._missing[name] = f"What {step} wrote can't be read: {str(error).rstrip('.')}."
        else:
            if piece:
                return piece
            self._missing[name] = self._why(step)
        return None

    def _why(self, name: str) -> str:
        step = next((step for step in self._execution.steps if step.name == name), None)
        if step is None:
            return f"{name} did not run."
        if step.status == "Succeeded":
            return f"{name} succeeded, and what it wrote is not there any more."
        return f"{name} wrote none: {step.status}."

    def _training(self) -> dict[str, Any]:
        jobs = self._training_jobs()
        if not jobs:
            return {}
        sagemaker = self._session.client("sagemaker")
        described = sagemaker.describe_training_job(TrainingJobName=jobs[-1].name)
        archive = described["ModelArtifacts"]["S3ModelArtifacts"]
        return self._reader.archived(archive, "training.json")["training.json"]

    def _training_jobs(self) -> list[Job]:
        """Of all attempts, the oldest first."""
        jobs = (job for job in self._execution.jobs if job.kind == "Training")
        return sorted(jobs, key=lambda job: job.created)

    def _history(self, training: dict[str, Any] | None) -> list[dict[str, Any]]:
        if training and training.get("history"):
            history: list[dict[str, Any]] = training["history"]
            return history
        return self._piece("history", "TrainModel", self._history_in_logs) or []

    def _history_in_logs(self) -> list[dict[str, Any]]:
        """An attempt goes on from the checkpoint of the one before, so the later word counts."""
        client = self._session.client("logs")
        epochs: dict[int, dict[str, Any]] = {}
        for job in self._training_jobs():
            for stream in log_streams(client, job):
                for line in lines_of(self._session, job.log_group, stream)[0]:
                    entry = epoch_of(line)
                    if entry:
                        epochs[entry["epoch"]] = entry
        return [epochs[epoch] for epoch in sorted(epochs)]

    def _ended(self) -> Ended:
        execution, client = self._execution, self._session.client("logs")
        endings = judge(execution, lambda job: log_streams(client, job))
        if not endings:
            return Ended([execution.reason] if execution.reason else [])
        place = messages.Place(
            self._environment,
            stacks.environment_name(self._environment),
            self._session.region_name,
        )
        then, command = messages.advice(endings, execution.arn, place)
        lines = [line for e in endings for line in messages.ending_lines(e, place.region)]
        shown = [(e.job, stream) for e in endings if e.job for stream in e.streams[:STREAMS_SHOWN]]
        return Ended(
            lines,
            f"{then} {command}" if command else f"{then}.",
            {stream: last_lines(self._session, job.log_group, stream) for job, stream in shown},
            is_verdict=any(ending.cause is Cause.VERDICT for ending in endings),
        )

    def _answers(self) -> list[Answer]:
        package = self._execution.package
        if not package:
            self._missing["answers"] = "This run registered no model, so that none of it serves."
            return []
        try:
            described = stacks.describe(self._session, self._environment, "serving")
        except CommandError as error:
            self._missing["answers"] = str(error)
            return []
        serving = stacks.outputs_of(described)
        if serving.get("ModelPackageArn", "").casefold() != package.casefold():
            self._missing["answers"] = f"Its model {package} does not serve now."
            return []
        return self._piece("answers", "EvaluateModel", lambda: self._ask(serving)) or []

    def _ask(self, serving: dict[str, str]) -> list[Answer]:
        runtime = self._session.client("sagemaker-runtime")
        chosen = choose_predictions(self._reader.predictions(), ANSWERS)
        return list(ask_endpoint(runtime, serving["EndpointName"], self._reader, chosen))


def readable(evidence: Evidence) -> Evidence:
    """Without the pieces that are no such thing as the page shows; it says so in their place."""
    bare = replace(evidence, **_LACKING)
    missing = dict(evidence.missing)
    for name, lacking in _LACKING.items():
        piece = getattr(evidence, name)
        try:
            render(replace(bare, **{name: piece}))
        except (LookupError, TypeError, ValueError, AttributeError, TemplateError) as error:
            missing[name] = f"It is there and is none that this page can show: {error}."
            evidence = replace(evidence, **{name: lacking})
    return replace(evidence, missing=missing)


def epoch_of(line: str) -> dict[str, Any] | None:
    """The entry of the history that a log line of training tells; None where it tells none."""
    match = _EPOCH.search(line)
    if match is None:
        return None
    entry: dict[str, Any] = {"epoch": int(match["epoch"])}
    for pair in match["metrics"].split():
        name, _, value = pair.partition("=")
        try:
            entry[name] = float(value)
        except ValueError:
            return None
    return entry if entry.keys() >= CURVES else None
