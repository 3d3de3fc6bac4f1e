"""Processing: CreateProcessingJob."""

from rehearsal.pipelines.steps.resource import ResourceStep

PROCESSING = ResourceStep(
    resource="ProcessingJob",
    metadata_key="ProcessingJob",
    status_member="ProcessingJobStatus",
    stoppable=True,
    cache_attributes=("AppSpecification", "Environment", "ProcessingInputs"),
)
