"""Model: CreateModel."""

from rehearsal.pipelines.steps.resource import ResourceStep

MODEL = ResourceStep(resource="Model", metadata_key="Model", status_member=None, stoppable=False)
