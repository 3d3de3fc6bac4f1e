"""What does the work behind SageMaker's API: processes of this machine, and our engine."""

from typing import Any, Protocol

from rehearsal.authorization.caller import caller, execution_role
from rehearsal.backends import (
    Call,
    EndpointBackend,
    ExecutionReports,
    JobBackend,
    PipelineBackend,
)
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.pipelines.engine import Engine
from rehearsal.pipelines.expressions import ReadS3, s3_reader
from rehearsal.settings import RehearsalSettings


class Backends(Protocol):
    """Makes the parts that do the work; `ProcessBackends` unless a test brings its own."""

    def jobs(self, settings: RehearsalSettings) -> JobBackend:
        """Processing, training and batch transform jobs."""

    def endpoints(self, settings: RehearsalSettings) -> EndpointBackend:
        """Model servers."""

    def pipelines(
        self, settings: RehearsalSettings, call: Call, reports: ExecutionReports
    ) -> PipelineBackend:
        """Executions of pipelines."""


class ProcessBackends:
    """Jobs and model servers as processes, pipelines by our engine."""

    def jobs(self, settings: RehearsalSettings) -> JobBackend:
        """A process a container."""
        return ProcessBackend(settings)

    def endpoints(self, settings: RehearsalSettings) -> EndpointBackend:
        """A process an instance."""
        return ProcessEndpoints(settings)

    def pipelines(
        self, settings: RehearsalSettings, call: Call, reports: ExecutionReports
    ) -> PipelineBackend:
        """Our engine, each execution as its role."""

        def as_role(execution: dict[str, Any]) -> tuple[Call, ReadS3]:
            role = execution_role(settings, execution)
            return caller(role), s3_reader(settings, role)

        return Engine(settings, call, reports, as_role=as_role)
