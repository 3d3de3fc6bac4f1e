"""Says which steps this image holds; a step's definition names one as its ContainerEntrypoint."""

import sys

sys.exit(
    "Name a step as ContainerEntrypoint: "
    '["python", "-m", "processing.create_manifests"], '
    '["python", "-m", "processing.fetch_serving_model"] or '
    '["python", "-m", "processing.shard_images"].'
)
