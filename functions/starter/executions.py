"""The pipeline's executions as SageMaker has them."""

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, ParamValidationError

from .records import Execution, RefusedError, Run, to_text

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

_RUNNING = frozenset({"Executing", "Stopping"})
_DISPLAY_NAME_LENGTH = 82
# How far the clocks of the function and of SageMaker may be apart.
_CLOCKS = timedelta(minutes=5)
_NEWEST = 100  # a page


class Executions:
    """Executions of one pipeline."""

    def __init__(self, client: "SageMakerClient", pipeline: str) -> None:
        self._client = client
        self._pipeline = pipeline

    def start(self, run: Run) -> Execution:
        """The run's execution, started unless it is there already.

        The token keeps two starts at one time apart, the description those for which SageMaker may
        have forgotten it: it promises no time.

        Raises:
            RefusedError: The request itself is what SageMaker does not take.
            ClientError: Any other refusal; it may be over when asked again.
        """
        return self.describe(self._find(run) or self._start(run))

    def _start(self, run: Run) -> str:
        try:
            return self._client.start_pipeline_execution(
                PipelineName=self._pipeline,
                PipelineExecutionDisplayName=display_name(run.drop_id),
                PipelineExecutionDescription=description(run),
                PipelineParameters=[{"Name": "DropId", "Value": run.drop_id}],
                ClientRequestToken=run.token,
            )["PipelineExecutionArn"]
        except ParamValidationError as error:
            raise RefusedError(str(error)) from error
        except ClientError as error:
            # https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            raise RefusedError(str(error)) from error

    def _find(self, run: Run) -> str | None:
        pages = self._client.get_paginator("list_pipeline_executions").paginate(
            PipelineName=self._pipeline, CreatedAfter=run.created - _CLOCKS
        )
        for page in pages:
            for summary in page["PipelineExecutionSummaries"]:
                if run.token in summary.get("PipelineExecutionDescription", ""):
                    return summary["PipelineExecutionArn"]
        return None

    def describe(self, arn: str) -> Execution:
        """How it is, with the model package that it registered where it succeeded with one."""
        described = self._client.describe_pipeline_execution(PipelineExecutionArn=arn)
        status = described["PipelineExecutionStatus"]
        return Execution(
            arn=arn,
            status=status,
            modified=to_text(described["LastModifiedTime"]),
            reason=described.get("FailureReason", ""),
            model_package_arn=self._package_of(arn) if status == "Succeeded" else "",
        )

    def running(self) -> set[str]:
        """ARNs of those that run among the newest, whoever started them."""
        newest = self._client.list_pipeline_executions(
            PipelineName=self._pipeline,
            SortBy="CreationTime",
            SortOrder="Descending",
            MaxResults=_NEWEST,
        )
        return {
            summary["PipelineExecutionArn"]
            for summary in newest["PipelineExecutionSummaries"]
            if summary["PipelineExecutionStatus"] in _RUNNING
        }

    def _package_of(self, arn: str) -> str:
        pages = self._client.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn
        )
        for page in pages:
            for step in page["PipelineExecutionSteps"]:
                package = step.get("Metadata", {}).get("RegisterModel", {}).get("Arn")
                if package:
                    return package
        return ""


def display_name(drop_id: str) -> str:
    """The id as a display name can show it: letters, digits and hyphens, at most 82."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", drop_id).strip("-")
    return name[:_DISPLAY_NAME_LENGTH].rstrip("-") or "drop"


def description(run: Run) -> str:
    """What a person sees of the run in SageMaker, and by what it is found there again."""
    others = len(run.drops) - 1
    more = f" and {others} more" if others else ""
    return f"Run {run.number}: {run.drop_id[:1024]}{more}; token {run.token}"
