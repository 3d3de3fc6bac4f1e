"""Where the log lines of a job are."""

from typing import TYPE_CHECKING
from urllib.parse import quote

from .records import Job

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


def streams(client: "CloudWatchLogsClient", job: Job) -> list[str]:
    """The job's log streams, one a host, by name; empty where it has not written."""
    try:
        pages = client.get_paginator("describe_log_streams").paginate(
            logGroupName=job.log_group, logStreamNamePrefix=f"{job.name}/"
        )
        return sorted(stream["logStreamName"] for page in pages for stream in page["logStreams"])
    except client.exceptions.ResourceNotFoundException:
        return []


def console_link(region: str, group: str, stream: str) -> str:
    """The stream in CloudWatch's console, whose addresses are escaped twice, with `$` for `%`."""
    return (
        f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
        f"#logsV2:log-groups/log-group/{_escaped(group)}/log-events/{_escaped(stream)}"
    )


def _escaped(text: str) -> str:
    return quote(quote(text, safe=""), safe="").replace("%", "$")
