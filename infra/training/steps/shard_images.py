"""ShardImages: each instance decodes its share of every channel into TFRecord files."""

from sagemaker.core.shapes import ProcessingInput
from sagemaker.core.workflow.properties import Properties
from sagemaker.mlops.workflow.steps import ProcessingStep

from infra.training.steps.create_manifests import LINEAGE
from infra.training.steps.jobs import (
    below,
    command_line,
    from_s3,
    job_retries,
    lineage_uri,
    output_uri,
    processor,
    to_s3,
    working_uri,
)
from infra.training.wiring import Wiring

CHANNELS = ("train", "validation", "test")
INDEX = "index"
"""The output with the index of each file, apart: whoever gets some files of a channel gets all."""


def shard_images(wiring: Wiring, *, manifests: ProcessingStep) -> ProcessingStep:
    """Outputs a folder of TFRecord files a channel, `index`, `report` and `quarantine`.

    There is one instance for each training worker.
    """
    settings, image_size = wiring.settings.shards, wiring.settings.training.image_size
    job = processor(
        wiring,
        image=wiring.images.processing,
        role_arn=wiring.roles.processing,
        module="processing.shard_images",
        settings=settings,
        hosts=wiring.settings.training.workers,
        isolated=True,
    )
    return ProcessingStep(
        name="ShardImages",
        description="Decodes images into TFRecord files; one instance for each training worker",
        step_args=job.run(
            arguments=command_line(
                image_size=image_size,
                maximum_quarantined_share=wiring.parameters["maximum_quarantined_share"],
                encoding=settings.encoding_of(image_size),
                jpeg_quality=settings.jpeg_quality,
                jpeg_subsampling=settings.jpeg_subsampling,
                memory_megabytes=settings.memory_megabytes,
                file_megabytes=settings.file_megabytes,
                seed=wiring.parameters["seed"],
            ),
            inputs=_inputs(manifests),
            outputs=[
                *(
                    to_s3(name, working_uri(wiring.buckets, "shards", name))
                    for name in (*CHANNELS, INDEX, "report")
                ),
                to_s3("quarantine", lineage_uri(wiring.buckets, "quarantine")),
            ],
        ),
        retry_policies=job_retries(),
    )


def _inputs(manifests: ProcessingStep) -> list[ProcessingInput]:
    folder = output_uri(manifests.properties, "manifests")
    lineage = output_uri(manifests.properties, LINEAGE)
    return [
        *(_sharded(channel, folder) for channel in CHANNELS),
        from_s3("labels", below(folder, "labels.json")),
        from_s3("lineage", below(lineage, "objects.parquet")),
    ]


def _sharded(channel: str, manifests: Properties) -> ProcessingInput:
    """A host's share of a channel's objects."""
    return from_s3(
        channel,
        below(manifests, f"{channel}.manifest"),
        s3_data_type="ManifestFile",
        distribution="ShardedByS3Key",
    )
