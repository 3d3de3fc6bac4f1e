"""SageMaker's executions of one pipeline, as far as the starter looks at them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tests.functions.starter.fake_dynamodb import Around

PIPELINE = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/p"
CHANGED = "SageMaker Model Building Pipeline Execution Status Change"


@dataclass
class Started:
    """One execution.

    Attributes:
        others: executions that ran when it started.
        ended: each of its ends, as it may have been retried.
    """

    arn: str
    token: str
    description: str
    drop_id: str
    created: datetime
    modified: datetime
    status: str
    others: int
    ended: list[str]

    @property
    def runs(self) -> bool:
        return self.status == "Executing"


class FakeSageMaker:
    """Attributes:
    forgets: whether it knows no request's token any more.
    refuses: the code of the error that each start ends with; empty for none.
    """

    def __init__(
        self, around: Around, now: Callable[[], datetime], send: Callable[[dict[str, Any]], None]
    ) -> None:
        self.executions: list[Started] = []
        self.forgets = False
        self.refuses = ""
        self._around = around
        self._now = now
        self._send = send

    def start_pipeline_execution(self, **request: Any) -> dict[str, str]:
        return {"PipelineExecutionArn": self._around(lambda: self._start(request)).arn}

    def _start(self, request: dict[str, Any]) -> Started:
        if self.refuses:
            error = {"Code": self.refuses, "Message": "no such parameter"}
            raise ClientError({"Error": error}, "StartPipelineExecution")  # type: ignore[typeddict-item]
        token = request["ClientRequestToken"]
        for known in self.executions:
            if known.token == token and not self.forgets:
                return known
        now = self._now()
        (parameter,) = request["PipelineParameters"]
        started = Started(
            arn=f"{PIPELINE}/execution/{len(self.executions)}",
            token=token,
            description=request["PipelineExecutionDescription"],
            drop_id=parameter["Value"],
            created=now,
            modified=now,
            status="Executing",
            others=len(self.running()),
            ended=[],
        )
        self.executions.append(started)
        self._tell(started)
        return started

    def running(self) -> list[Started]:
        return [execution for execution in self.executions if execution.runs]

    def person_starts(self) -> None:
        token = f"by-hand-{len(self.executions)}"
        description = "By hand"
        self._start(
            {
                "ClientRequestToken": token,
                "PipelineExecutionDescription": description,
                "PipelineParameters": [{"Name": "DropId", "Value": "any"}],
            }
        )

    def end(self, execution: Started, status: str) -> None:
        execution.ended.append(status)
        self._change(execution, status)

    def retry(self, execution: Started) -> None:
        self._change(execution, "Executing")

    def _change(self, execution: Started, status: str) -> None:
        execution.status, execution.modified = status, self._now()
        self._tell(execution)

    def _tell(self, execution: Started) -> None:
        self._send(
            {
                "detail-type": CHANGED,
                "time": self._now().isoformat(),
                "detail": {
                    "pipelineExecutionArn": execution.arn,
                    "currentPipelineExecutionStatus": execution.status,
                },
            }
        )

    def describe_pipeline_execution(self, PipelineExecutionArn: str) -> dict[str, Any]:
        def describe() -> dict[str, Any]:
            (found,) = (e for e in self.executions if e.arn == PipelineExecutionArn)
            return {
                "PipelineExecutionStatus": found.status,
                "LastModifiedTime": found.modified,
                "FailureReason": "a step failed" if found.status == "Failed" else "",
            }

        return dict(self._around(describe))

    def list_pipeline_executions(self, **_: Any) -> dict[str, Any]:
        def summaries() -> list[dict[str, str]]:
            return [
                {
                    "PipelineExecutionArn": execution.arn,
                    "PipelineExecutionStatus": execution.status,
                    "PipelineExecutionDescription": execution.description,
                }
                for execution in reversed(self.executions)
            ]

        return {"PipelineExecutionSummaries": self._around(summaries)}

    def get_paginator(self, operation: str) -> "_Pages":
        return _Pages(self, operation)


@dataclass
class _Pages:
    sagemaker: FakeSageMaker
    operation: str

    def paginate(self, **request: Any) -> list[dict[str, Any]]:
        if self.operation == "list_pipeline_executions":
            return [self.sagemaker.list_pipeline_executions()]
        number = request["PipelineExecutionArn"].rpartition("/")[2]
        package = {"RegisterModel": {"Arn": f"package/{number}"}}
        return [{"PipelineExecutionSteps": [{"StepName": "TrainModel"}, {"Metadata": package}]}]
