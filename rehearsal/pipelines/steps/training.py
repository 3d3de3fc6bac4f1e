"""Training: CreateTrainingJob."""

from rehearsal.pipelines.steps.resource import ResourceStep

TRAINING = ResourceStep(
    resource="TrainingJob",
    metadata_key="TrainingJob",
    status_member="TrainingJobStatus",
    stoppable=True,
    cache_attributes=(
        "AlgorithmSpecification",
        "CheckpointConfig",
        "DebugHookConfig",
        "DebugRuleConfigurations",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    ),
)
