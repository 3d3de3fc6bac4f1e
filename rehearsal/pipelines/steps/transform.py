"""Transform: CreateTransformJob."""

from rehearsal.pipelines.steps.resource import ResourceStep

TRANSFORM = ResourceStep(
    resource="TransformJob",
    metadata_key="TransformJob",
    status_member="TransformJobStatus",
    stoppable=True,
    cache_attributes=("DataProcessing", "Environment", "ModelName", "TransformInput"),
)
