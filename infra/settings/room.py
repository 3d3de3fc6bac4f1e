"""Whether the hosts that are set have room for the dataset that is expected."""

from collections.abc import Iterator

from infra.costs import Workload, load_prices, load_rates
from infra.costs.durations import Split, Work
from infra.costs.job import Channel, Job
from infra.costs.prices import Use
from infra.costs.records import RecordFormat
from infra.costs.storage import storage_problems
from infra.settings.operations import Data
from infra.settings.pipeline import Evaluation, Manifests, Shards, Training


def room_problems(
    data: Data, manifests: Manifests, shards: Shards, training: Training, evaluation: Evaluation
) -> Iterator[str]:
    """A sentence for each step whose hosts have too little room; none where nothing is expected."""
    expected = data.expected_images
    if expected is None:
        return
    split = Split.of(expected, _job("CreateManifests", "processing", manifests))
    workload = Workload(expected, data.expected_image_kilobytes * 1000)
    size = training.image_size
    record = RecordFormat(
        size, shards.encoding_of(size), shards.jpeg_quality, shards.jpeg_subsampling
    )
    work = Work(workload, split, record, load_rates())
    channels = {
        "train": Channel(training.input_mode, training.distribution),
        "validation": Channel(training.input_mode, training.validation_distribution),
        "index": Channel(),
    }
    for job in (
        _job("ShardImages", "processing", shards, training.workers),
        _job("TrainModel", "training", training, training.hosts, channels),
        _job("EvaluateModel", "processing", evaluation),
    ):
        for problem in storage_problems(job, work, load_prices().instance(job.instance)):
            yield f"for data.expected_images {expected:,} {problem.removesuffix('.')}"


def _job(
    step: str,
    use: Use,
    section: Manifests | Shards | Training | Evaluation,
    count: int = 1,
    channels: dict[str, Channel] | None = None,
) -> Job:
    return Job(
        step=step,
        use=use,
        instance=section.instance_type,
        count=count,
        volume_gb=section.volume_gb,
        max_seconds=section.max_runtime_seconds,
        is_spot=False,
        options={name: str(value) for name, value in section},
        channels=channels or {},
    )
