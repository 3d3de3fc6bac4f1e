"""RegisterModel: CreateModelPackage, a new version in a model package group."""

from rehearsal.pipelines.steps.resource import ResourceStep

REGISTER_MODEL = ResourceStep(
    resource="ModelPackage",
    metadata_key="RegisterModel",
    status_member="ModelPackageStatus",
    stoppable=False,
    named=False,
)
