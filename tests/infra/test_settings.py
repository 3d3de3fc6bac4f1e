from functools import reduce
from pathlib import Path

import pytest

from infra.settings import ENVIRONMENTS, OVERRIDES, Settings, load, read

PACKAGE = "arn:aws:sagemaker:us-east-1:123456789012:model-package/shardwise-dev-1/7"


def environment_file(folder: Path, text: str) -> Path:
    (folder / "dev.toml").write_text(text)
    return folder


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_each_environment_has_settings(environment):
    assert load(environment).environment == environment


def test_production_keeps_its_data_and_waits_for_a_person():
    settings = load("prod")
    assert settings.data.retain
    assert not settings.endpoint.deploy_on_approval


def test_every_setting_is_described():
    def fields(model, path=""):
        for name, field in model.model_fields.items():
            if hasattr(field.annotation, "model_fields"):
                yield from fields(field.annotation, f"{path}{name}.")
            else:
                yield f"{path}{name}", field.description

    assert [name for name, description in fields(Settings) if not description] == []


def test_context_overrides_the_file(tmp_path):
    folder = environment_file(tmp_path, "[training]\nhosts = 5\nepochs = 7\n")
    context = {"training_hosts": "4", "training_workers_per_host": "2"}
    training = load("dev", context.get, folder).training
    assert (training.hosts, training.workers_per_host, training.epochs) == (4, 2, 7)
    assert training.workers == 8


def test_every_override_leads_to_a_setting():
    for section, name in OVERRIDES.values():
        assert name in type(getattr(load("dev"), section)).model_fields


@pytest.mark.parametrize(
    "text",
    [
        "spot_max_wait_seconds = 60",
        "managed_spot = true\nspot_max_wait_seconds = 43200",
        "precision = 'mixed_bfloat16'\naccelerator = 'gpu'\ninstance_type = 'ml.g4dn.xlarge'",
        "gradient_compression = 'bfloat16'",
        "checkpoint_seconds = 0",
        "weights_uri = 's3://our.weights/v1 final/small_cnn.weights.h5'",
    ],
)
def test_a_setting_is_taken_where_nothing_speaks_against_it(tmp_path, text):
    assert load("dev", folder=environment_file(tmp_path, f"[training]\n{text}\n"))


@pytest.mark.parametrize(
    "text",
    [
        "traffic_shift = 'linear'",
        "traffic_shift = 'canary'\nshift_percent = 5\ninstance_count = 20",
        "traffic_shift = 'all_at_once'\ninstance_count = 1",
        "maximum_instances = 8\nminimum_instances = 2",
        "mode = 'serverless'\ntraffic_shift = 'all_at_once'",
        "mode = 'asynchronous'",
        "mode = 'asynchronous'\ntraffic_shift = 'all_at_once'\nminimum_instances = 0\n"
        "maximum_instances = 3",
        f"shadow_model_package = '{PACKAGE}'\ncapture_percent = 100\ncapture_images = true",
        "capture_percent = 10\n[drift]\nevery_hours = 24",
    ],
)
def test_an_endpoint_is_taken_where_aws_takes_it(tmp_path, text):
    assert load("dev", folder=environment_file(tmp_path, f"[endpoint]\n{text}\n"))


def test_the_longest_update_waits_after_each_step_and_an_hour_for_instances(tmp_path):
    def seconds(text):
        folder = environment_file(tmp_path, f"[endpoint]\nshift_wait_seconds = 300\n{text}\n")
        return load("dev", folder=folder).endpoint.longest_update_seconds - 3600

    assert seconds("traffic_shift = 'all_at_once'") == 300
    assert seconds("traffic_shift = 'canary'") == 600
    # 30, 60, 90 and all.
    assert seconds("traffic_shift = 'linear'\nshift_percent = 30\ninstance_count = 4") == 1200


def test_a_serverless_endpoint_has_no_alarms_to_wait_for(tmp_path):
    text = "mode = 'serverless'\ntraffic_shift = 'all_at_once'\nshift_wait_seconds = 0"
    assert load("dev", folder=environment_file(tmp_path, f"[endpoint]\n{text}\n"))


def test_every_override_is_taken_as_the_text_that_the_command_line_gives():
    context = {
        "minimum_instances": "1",
        "maximum_instances": "4",
        "capture_images": "true",
        "capture_percent": "50",
        "minimum_confidence": "0.5",
        "serverless_memory_megabytes": "2048",
        "drift_every_hours": "6",
        "drift_retrain": "false",
    }
    settings = load("dev", context.get)
    assert settings.endpoint.maximum_instances == 4
    assert settings.endpoint.capture_images
    assert settings.endpoint.minimum_confidence == 0.5
    assert settings.endpoint.serverless_memory_megabytes == 2048
    assert not settings.drift.retrain


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_files_hold_only_what_differs_from_the_defaults(environment):
    reading = read(environment)
    defaults = Settings(environment=environment)
    said = [
        key
        for key, source in reading.sources.items()
        if source.endswith(".toml") and _value(reading.settings, key) == _value(defaults, key)
    ]
    assert said == []


def _value(settings, key):
    return reduce(getattr, key.split("."), settings)
