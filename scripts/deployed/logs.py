"""Log lines of jobs, from CloudWatch Logs: one stream a host, `<job>/algo-1-...`."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import boto3

from functions.reporter.executions import log_streams
from functions.reporter.messages import one_line

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import PipelineExecutionStepTypeDef

LAST_LINES = 15
STREAMS_SHOWN = 4
LOG_GROUPS = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
}


@dataclass(frozen=True)
class Job:
    """A job of a step, and the log group of its kind."""

    name: str
    log_group: str


def job_of(step: "PipelineExecutionStepTypeDef") -> Job | None:
    """The job that a step started; None where it has not, or is of a kind without jobs.

    Its name is its ARN's, which SageMaker has written in lower case too: `named` gives its own.
    """
    for kind, found in step.get("Metadata", {}).items():
        if kind in LOG_GROUPS and isinstance(found, dict) and "Arn" in found:
            return Job(str(found["Arn"]).rpartition("/")[2], LOG_GROUPS[kind])
    return None


def named(session: boto3.Session, job: Job) -> Job:
    """A job with its own name, whatever case its ARN was in; log streams begin with that."""
    if job.name != job.name.lower():
        return job
    # Of `pipelines-<execution id>-<step>-<random>` only the id is in lower case anyway.
    prefix = "-".join(job.name.split("-")[:2])
    names = (n for n in _names(session, job, prefix) if n.lower() == job.name)
    return replace(job, name=next(names, job.name))


def _names(session: boto3.Session, job: Job, prefix: str) -> Iterator[str]:
    sagemaker = session.client("sagemaker")
    if job.log_group == LOG_GROUPS["TrainingJob"]:
        training = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=prefix)
        return training.search("TrainingJobSummaries[].TrainingJobName")
    processing = sagemaker.get_paginator("list_processing_jobs").paginate(NameContains=prefix)
    return processing.search("ProcessingJobSummaries[].ProcessingJobName")


def last_lines(session: boto3.Session, log_group: str, stream: str) -> list[str]:
    """The stream's last LAST_LINES lines, the oldest first."""
    found = session.client("logs").get_log_events(
        logGroupName=log_group, logStreamName=stream, limit=LAST_LINES, startFromHead=False
    )
    return [_shown(event["message"]) for event in found["events"]]


def _shown(message: str) -> str:
    """A log line as it may be printed: it may hold names from outside."""
    return "\t".join(map(one_line, message.rstrip("\r\n").split("\t")))


def lines_of(
    session: boto3.Session, log_group: str, stream: str, token: str = ""
) -> tuple[list[str], str]:
    """All lines of a stream from a token on, the oldest first, and the token for what follows."""
    logs = session.client("logs")
    lines: list[str] = []
    while True:
        place: dict[str, Any] = {"logGroupName": log_group, "logStreamName": stream}
        place |= {"nextToken": token} if token else {}
        page = logs.get_log_events(startFromHead=True, **place)
        lines += [_shown(event["message"]) for event in page["events"]]
        # At the stream's end CloudWatch gives the token back that it was given.
        if page["nextForwardToken"] == token or not page["events"]:
            return lines, page["nextForwardToken"]
        token = page["nextForwardToken"]


@dataclass
class Tail:
    """Follows the streams of jobs; each line is given once."""

    session: boto3.Session
    _tokens: dict[str, str] = field(default_factory=dict)
    _named: dict[Job, Job] = field(default_factory=dict)

    def new_lines(self, job: Job) -> list[str]:
        """What was written since the last call, each line after its stream's host."""
        lines = []
        if job not in self._named:
            self._named[job] = named(self.session, job)
        for stream in log_streams(self.session.client("logs"), self._named[job]):
            host = stream.partition("/")[2].rpartition("-")[0] or stream
            new, self._tokens[stream] = lines_of(
                self.session, job.log_group, stream, self._tokens.get(stream, "")
            )
            lines += [f"{host} | {line}" for line in new]
        return lines
