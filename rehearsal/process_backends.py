"""What does the work behind SageMaker's API: processes of this machine, and our engine."""

from typing import Any

from rehearsal import aws
from rehearsal.authorization.caller import caller
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


class Backends:
    """Makes the parts that do the work; a test brings others."""

    def jobs(self, settings: RehearsalSettings) -> JobBackend:
        """Of jobs: a process a container."""
        return ProcessBackend(settings)

    def endpoints(self, settings: RehearsalSettings) -> EndpointBackend:
        """Of model servers: a process an instance."""
        return ProcessEndpoints(settings)

    def pipelines(
        self, settings: RehearsalSettings, call: Call, reports: ExecutionReports
    ) -> PipelineBackend:
        """Of executions: our engine, each as its role."""

        def as_role(execution: dict[str, Any]) -> tuple[Call, ReadS3]:
            name = execution["PipelineExecutionArn"].rpartition("/")[2]
            role = aws.Role(settings, execution["RoleArn"], f"SageMaker-Pipelines-{name}")
            return caller(role), s3_reader(settings, role)

        return Engine(settings, call, reports, as_role=as_role)
