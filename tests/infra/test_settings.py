from pathlib import Path

import pytest

from infra.settings import ENVIRONMENTS, OVERRIDES, Settings, SettingsError, load

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
    ("text", "said"),
    [
        ("[training]\nhost = 2", "training.host"),
        ("[training]\nhosts = 0", "training.hosts"),
        ("[training]\nhosts = 'two'", "training.hosts"),
        ("[training]\nhosts = 60\nworkers_per_host = 2", "120, more than the 100 instances"),
        ("[training]\ninstance_type = 'm5.large'", "training.instance_type"),
        ("[training]\nlearning_rate = nan", "training.learning_rate"),
        ("[training]\nmodel = 'Small CNN'", "training.model"),
        ("[training]\noptimiser = 'adam'", "training.optimiser: Input should be 'adamw' or 'sgd'"),
        ("[training]\nlearning_rate_scaling = 'root'", "training.learning_rate_scaling"),
        ("[training]\nwarmup_share = 0.6", "training.warmup_share"),
        ("[training]\nlabel_smoothing = 0.6", "training.label_smoothing"),
        ("[training]\nweight_decay = -0.1", "training.weight_decay"),
        ("[training]\nclass_weights = 'equal'", "training.class_weights"),
        ("[training]\nearly_stopping_patience = -1", "training.early_stopping_patience"),
        ("[training]\nprecision = 'float16'", "training.precision"),
        (
            "[training]\nprecision = 'mixed_float16'",
            "precision mixed_float16 makes training slower on CPUs: set accelerator to gpu, or "
            "precision to float32.",
        ),
        ("[training]\ngradient_compression = 'gzip'", "training.gradient_compression"),
        ("[training]\ncheckpoint_seconds = 86401", "training.checkpoint_seconds"),
        ("[training]\ndeterministic = 'perhaps'", "training.deterministic"),
        ("[training]\nmanaged_spot = 'perhaps'", "training.managed_spot"),
        (
            "[training]\nmanaged_spot = true\nspot_max_wait_seconds = 43199",
            "with managed_spot, spot_max_wait_seconds 43199 is less than max_runtime_seconds "
            "43200, which it includes: raise it.",
        ),
        ("[training]\nweights_uri = 'https://b/w.keras'", "training.weights_uri"),
        ("[training]\nweights_uri = 's3://bucket'", "training.weights_uri"),
        ("[training]\nweights_uri = 's3://bucket/all/*'", "training.weights_uri"),
        ("[training]\nweights_uri = 's3://bucket/folder/'", "training.weights_uri"),
        ("[serving_model]\nvolume_gb = 0", "serving_model.volume_gb"),
        ("[manifests]\nvalidation_fraction = 0.5\ntest_fraction = 0.5", "manifests"),
        ("[manifests]\nclass_share_drift = 1.5", "manifests.class_share_drift"),
        ("[shards]\ncompression = 'zip'", "shards.compression"),
        ("[shards]\nmemory_megabytes = 0", "shards.memory_megabytes"),
        ("[evaluation]\naccuracy_threshold = 1.1", "evaluation.accuracy_threshold"),
        ("[evaluation]\nmaximum_accuracy_loss = -0.1", "evaluation.maximum_accuracy_loss"),
        ("[evaluation]\nworkers_per_host = 0", "evaluation.workers_per_host"),
        (
            "[endpoint]\ninstance_count = 1",
            "shift_percent 50 of instance_count 1 is less than one instance: raise one of them, or "
            "set traffic_shift to all_at_once.",
        ),
        (
            "[endpoint]\ninstance_count = 4\nmaximum_instances = 8",
            "shift_percent 50 of minimum_instances 1 is less than one instance",
        ),
        (
            "[endpoint]\ntraffic_shift = 'linear'\nshift_percent = 5\ninstance_count = 20",
            "shift_percent 5 is below 10",
        ),
        (
            "[endpoint]\ntraffic_shift = 'linear'\nshift_percent = 10\ninstance_count = 10\n"
            "shift_wait_seconds = 3600",
            "may take 39600 seconds, more than SageMaker's 28800",
        ),
        ("[endpoint]\ntraffic_shift = 'rolling'", "endpoint.traffic_shift"),
        ("[endpoint]\nshift_percent = 51", "endpoint.shift_percent"),
        ("[endpoint]\nminimum_confidence = 1.1", "endpoint.minimum_confidence"),
        ("[endpoint]\nmode = 'multi_model'", "endpoint.mode"),
        (
            "[endpoint]\nmaximum_instances = 1\ntraffic_shift = 'all_at_once'",
            "instance_count 2 is not from minimum_instances 1 to maximum_instances 1",
        ),
        (
            "[endpoint]\nmaximum_instances = 4\nminimum_instances = 3",
            "instance_count 2 is not from minimum_instances 3 to maximum_instances 4",
        ),
        (
            "[endpoint]\nminimum_instances = 0\nmaximum_instances = 4",
            "minimum_instances 0 needs mode asynchronous and maximum_instances",
        ),
        (
            "[endpoint]\nmode = 'asynchronous'\nminimum_instances = 0",
            "minimum_instances 0 needs mode asynchronous and maximum_instances",
        ),
        (
            "[endpoint]\nmode = 'asynchronous'\nminimum_instances = 0\nmaximum_instances = 2",
            "shift_percent 50 of minimum_instances 0 is less than one instance",
        ),
        (
            "[endpoint]\nmode = 'asynchronous'\ncapture_percent = 1",
            "mode asynchronous has no data capture, as every answer is in S3",
        ),
        (
            f"[endpoint]\nmode = 'asynchronous'\nshadow_model_package = '{PACKAGE}'",
            "mode asynchronous has no shadow variant",
        ),
        (
            "[endpoint]\nmode = 'serverless'\naccelerator = 'gpu'",
            "mode serverless has no accelerator gpu: set it to cpu.",
        ),
        (
            "[endpoint]\nmode = 'serverless'",
            "mode serverless has no traffic_shift but all_at_once: set that.",
        ),
        (
            "[endpoint]\nmode = 'serverless'\ntraffic_shift = 'all_at_once'\ncapture_percent = 5",
            "mode serverless has no data capture: set capture_percent to 0.",
        ),
        (
            "[endpoint]\nmode = 'serverless'\nmaximum_instances = 3\nminimum_instances = 2",
            "mode serverless has no maximum_instances: set serverless_concurrency instead.",
        ),
        (
            "[endpoint]\nmode = 'serverless'\ntraffic_shift = 'all_at_once'\n"
            f"shadow_model_package = '{PACKAGE}'",
            "mode serverless has no shadow variant",
        ),
        (
            "[endpoint]\nserverless_memory_megabytes = 1500",
            "endpoint.serverless_memory_megabytes: Input should be a multiple of 1024",
        ),
        ("[endpoint]\nshadow_model_package = 'cnn'", "endpoint.shadow_model_package"),
        ("[endpoint]\ncapture_images = true", "capture_images captures nothing"),
        ("[drift]\nthreshold = 2", "drift.threshold"),
        (
            "[drift]\nevery_hours = 24",
            "drift.every_hours compares captured answers and endpoint.capture_percent is 0",
        ),
        ("[operations]\nlog_days = 8", "operations.log_days"),
        ("account = '12'", "account"),
        ("training", "no valid TOML"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_the_key(tmp_path, text, said):
    with pytest.raises(SettingsError) as refused:
        load("dev", folder=environment_file(tmp_path, text))
    message = str(refused.value)
    assert str(tmp_path / "dev.toml") in message
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize(
    "text",
    [
        "spot_max_wait_seconds = 60",
        "managed_spot = true\nspot_max_wait_seconds = 43200",
        "precision = 'mixed_bfloat16'\naccelerator = 'gpu'",
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
        folder = environment_file(tmp_path, f"[endpoint]\nshift_wait_seconds = 60\n{text}\n")
        return load("dev", folder=folder).endpoint.longest_update_seconds - 3600

    assert seconds("traffic_shift = 'all_at_once'") == 60
    assert seconds("traffic_shift = 'canary'") == 120
    # 30, 60, 90 and all.
    assert seconds("traffic_shift = 'linear'\nshift_percent = 30\ninstance_count = 4") == 240


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


def test_a_bad_override_is_refused_with_its_key():
    with pytest.raises(SettingsError, match=r"-c training_hosts: training\.hosts: .*'many'"):
        load("dev", {"training_hosts": "many"}.get)


@pytest.mark.parametrize("environment", ["qa", "../dev", ""])
def test_an_unknown_environment_is_refused_with_those_that_exist(environment):
    with pytest.raises(SettingsError, match="use one of dev, staging, prod"):
        load(environment)
