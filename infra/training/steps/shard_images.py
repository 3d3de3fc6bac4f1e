"""ShardImages: each instance decodes its share of every channel into one TFRecord file."""

from sagemaker.mlops.workflow.steps import ProcessingStep

from infra.training import locations, retries
from infra.training.steps.processing_job import ProcessingJob, command_line, from_s3, to_s3
from infra.training.wiring import Wiring

CHANNELS = ("train", "validation", "test")


def shard_images(wiring: Wiring, *, manifests: ProcessingStep) -> ProcessingStep:
    """Outputs `train`, `validation`, `test`, `report`; one instance for each training worker."""
    folder = locations.output(manifests.properties, "manifests")
    job = ProcessingJob(
        image=wiring.images.processing,
        role_arn=wiring.roles.processing,
        module="processing.shard_images",
        settings=wiring.settings.shards,
        hosts=wiring.settings.training.workers,
        isolated=True,
    )
    sharded = [
        from_s3(
            channel,
            locations.below(folder, f"{channel}.manifest"),
            s3_data_type="ManifestFile",
            distribution="ShardedByS3Key",
        )
        for channel in CHANNELS
    ]
    return ProcessingStep(
        name="ShardImages",
        description="Decodes images into as many TFRecord files a channel as training has workers",
        step_args=job.processor(wiring).run(
            arguments=command_line(
                image_size=wiring.settings.training.image_size,
                maximum_quarantined_share=wiring.parameters.maximum_quarantined_share,
                seed=wiring.parameters.seed,
            ),
            inputs=[*sharded, from_s3("labels", locations.below(folder, "labels.json"))],
            outputs=[
                to_s3(name, locations.working(wiring.buckets, "shards", name))
                for name in (*CHANNELS, "report")
            ],
        ),
        retry_policies=retries.of_job(),
    )
