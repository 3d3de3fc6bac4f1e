"""What a person may change for one execution without deploying."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sagemaker.core.workflow.parameters import (
    Parameter,
    ParameterFloat,
    ParameterInteger,
    ParameterString,
)

from infra.settings import Settings


@dataclass(frozen=True)
class Parameters:
    """The pipeline's parameters; only `DropId` has no default."""

    drop_id: ParameterString
    accuracy_threshold: ParameterFloat
    maximum_accuracy_loss: ParameterFloat
    validation_fraction: ParameterFloat
    test_fraction: ParameterFloat
    minimum_per_class_and_channel: ParameterInteger
    maximum_quarantined_share: ParameterFloat
    epochs: ParameterInteger
    seed: ParameterInteger

    @classmethod
    def from_settings(cls, settings: Settings) -> "Parameters":
        manifests, training, evaluation = settings.manifests, settings.training, settings.evaluation
        return cls(
            drop_id=ParameterString("DropId"),
            accuracy_threshold=ParameterFloat("AccuracyThreshold", evaluation.accuracy_threshold),
            maximum_accuracy_loss=ParameterFloat(
                "MaximumAccuracyLoss", evaluation.maximum_accuracy_loss
            ),
            validation_fraction=ParameterFloat("ValidationFraction", manifests.validation_fraction),
            test_fraction=ParameterFloat("TestFraction", manifests.test_fraction),
            minimum_per_class_and_channel=ParameterInteger(
                "MinimumPerClassAndChannel", manifests.minimum_per_class_and_channel
            ),
            maximum_quarantined_share=ParameterFloat(
                "MaximumQuarantinedShare", settings.shards.maximum_quarantined_share
            ),
            epochs=ParameterInteger("Epochs", training.epochs),
            seed=ParameterInteger("Seed", training.seed),
        )

    def all(self) -> Sequence[Parameter]:
        return [getattr(self, field.name) for field in fields(self)]
