"""The types of step that the rehearsal runs, by the name that definitions use."""

from __future__ import annotations

from rehearsal.pipelines.steps.base import StepType
from rehearsal.pipelines.steps.condition import ConditionStep
from rehearsal.pipelines.steps.fail import FailStep
from rehearsal.pipelines.steps.model import MODEL
from rehearsal.pipelines.steps.processing import PROCESSING
from rehearsal.pipelines.steps.register_model import REGISTER_MODEL
from rehearsal.pipelines.steps.training import TRAINING
from rehearsal.pipelines.steps.transform import TRANSFORM

STEP_TYPES: dict[str, StepType] = {
    "Processing": PROCESSING,
    "Training": TRAINING,
    "Transform": TRANSFORM,
    "Model": MODEL,
    "RegisterModel": REGISTER_MODEL,
    "Condition": ConditionStep(),
    "Fail": FailStep(),
}
