"""What a person may change for one execution without deploying."""

from collections.abc import Mapping

from sagemaker.core.workflow.parameters import (
    Parameter,
    ParameterFloat,
    ParameterInteger,
    ParameterString,
)

from infra.settings import Settings

# The settings that are defaults of parameters of the same name, by their table.
_SETTINGS = {
    "accuracy_threshold": "evaluation",
    "maximum_accuracy_loss": "evaluation",
    "validation_fraction": "manifests",
    "test_fraction": "manifests",
    "minimum_per_class_and_channel": "manifests",
    "maximum_quarantined_share": "shards",
    "epochs": "training",
    "seed": "training",
}


def parameters(settings: Settings) -> Mapping[str, Parameter]:
    """The pipeline's parameters by their setting's name; only `drop_id` has no default.

    That of `minimum_per_class_and_channel` is called `MinimumPerClassAndChannel`, and so on.
    """
    found: dict[str, Parameter] = {"drop_id": ParameterString("DropId")}
    for name, table in _SETTINGS.items():
        section = getattr(settings, table)
        is_integer = type(section).model_fields[name].annotation is int
        kind = ParameterInteger if is_integer else ParameterFloat
        camel_case = "".join(word.capitalize() for word in name.split("_"))
        found[name] = kind(camel_case, getattr(section, name))
    return found
