from pathlib import Path

import pytest

from infra.settings import ENVIRONMENTS, OVERRIDES, Settings, SettingsError, load


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
        ("[endpoint]\ninstance_count = 1\nshift_percent = 50", "less than one instance"),
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


def test_a_bad_override_is_refused_with_its_key():
    with pytest.raises(SettingsError, match=r"-c training_hosts: training\.hosts: .*'many'"):
        load("dev", {"training_hosts": "many"}.get)


@pytest.mark.parametrize("environment", ["qa", "../dev", ""])
def test_an_unknown_environment_is_refused_with_those_that_exist(environment):
    with pytest.raises(SettingsError, match="use one of dev, staging, prod"):
        load(environment)
