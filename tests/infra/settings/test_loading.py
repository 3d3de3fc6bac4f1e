from functools import reduce
from pathlib import Path

import pytest

from infra.settings import ENVIRONMENTS, Settings, SettingsError, load, read
from infra.settings.errors import schemas
from infra.settings.reference import shown, values

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
    context = {"training.hosts": "4", "training.workers_per_host": "2"}
    training = load("dev", context, folder).training
    assert (training.hosts, training.workers_per_host, training.epochs) == (4, 2, 7)
    assert training.workers == 8


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


@pytest.mark.parametrize(
    ("image_size", "encoding", "used"),
    [(32, "", "raw"), (63, "", "raw"), (64, "", "jpeg"), (224, "", "jpeg"), (224, "png", "png")],
)
def test_pictures_are_jpegs_from_64_pixels_on_where_nothing_else_is_set(
    tmp_path, image_size, encoding, used
):
    shards = f"[shards]\nencoding = '{encoding}'\n" if encoding else ""
    text = f"[training]\nimage_size = {image_size}\n{shards}"
    settings = load("dev", folder=environment_file(tmp_path, text))
    assert settings.shards.encoding_of(settings.training.image_size) == used


def test_every_setting_is_taken_as_the_text_that_the_command_line_gives():
    """So a value that `./scripts/settings` shows can be given as it is."""
    prod = {value.key: shown(value.value) for value in values(read("prod"))}
    prod["qualifier"] = "anna"
    assert len(prod) == len(schemas())
    reading = read("prod", prod)
    assert reading.settings == load("prod-anna")
    assert reading.sources == {key: f"-c {key}" for key in prod if key in reading.sources}
    assert len(reading.sources) == len(prod)


GROUP = "arn:aws:sagemaker:us-east-1:111122223333:model-package-group/shardwise-dev-1"


def test_what_has_no_value_and_lists_are_taken_as_text_too():
    context = {
        "account": "444455556666",
        "region": "us-east-1",
        "training.weights_uri": "s3://our-weights/cnn.keras",
        "endpoint.minimum_instances": "2",
        "endpoint.maximum_instances": "4",
        "promotion.deploys": "model",
        "promotion.source_model_package_group": GROUP,
        "promotion.source_artifacts_bucket": "our-artifacts",
        "promotion.source_key": f"arn:aws:kms:us-east-1:111122223333:key/{'0' * 36}",
        "promotion.target_accounts": "123456789012, 210987654321",
        "drift.retrain": "false",
        "security.customer_managed_keys": "true",
        "security.permissions_boundary": "teams/Boundary",
        "operations.notify_emails": "ops@example.com",
        "operations.monthly_budget_usd": "500",
        "operations.budget_emails": "ops@example.com,anna@example.com",
        "github.repository": "acme/shardwise",
    }
    settings = load("prod", context)
    assert settings.account == "444455556666"
    assert settings.promotion.target_accounts == ("123456789012", "210987654321")
    assert settings.operations.notify_emails == ("ops@example.com",)
    assert settings.operations.budget_emails == ("ops@example.com", "anna@example.com")
    shown_again = {value.key: shown(value.value) for value in values(read("prod", context))}
    del shown_again["qualifier"]
    assert load("prod", shown_again) == settings


def test_context_of_cdk_json_has_types():
    settings = load("dev", {"training.hosts": 4, "operations.notify_emails": ["ops@example.com"]})
    assert settings.training.hosts == 4
    assert settings.operations.notify_emails == ("ops@example.com",)


def test_none_takes_away_what_a_file_gives(tmp_path):
    text = "[operations]\nmonthly_budget_usd = 5\nnotify_emails = ['ops@example.com']\n"
    folder = environment_file(tmp_path, text)
    names = ("monthly_budget_usd", "notify_emails")
    settings = load("dev", {f"operations.{name}": "none" for name in names}, folder)
    assert settings.operations.monthly_budget_usd is None
    assert settings.operations.notify_emails == ()


def test_the_folder_of_the_files_is_in_an_environment_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("SHARDWISE_ENVIRONMENTS", str(environment_file(tmp_path, "region = 'x'")))
    with pytest.raises(SettingsError, match=f"{tmp_path}/dev.toml: region is 'x'"):
        load("dev")


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
