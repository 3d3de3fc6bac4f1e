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
        ("[manifests]\nvalidation_fraction = 0.5\ntest_fraction = 0.5", "manifests"),
        ("[manifests]\nclass_share_drift = 1.5", "manifests.class_share_drift"),
        ("[shards]\ncompression = 'zip'", "shards.compression"),
        ("[shards]\nmemory_megabytes = 0", "shards.memory_megabytes"),
        ("[evaluation]\naccuracy_threshold = 1.1", "evaluation.accuracy_threshold"),
        ("[endpoint]\ninstance_count = 1\ncanary_percent = 10", "less than one instance"),
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


def test_a_bad_override_is_refused_with_its_key():
    with pytest.raises(SettingsError, match=r"-c training_hosts: training\.hosts: .*'many'"):
        load("dev", {"training_hosts": "many"}.get)


@pytest.mark.parametrize("environment", ["qa", "../dev", ""])
def test_an_unknown_environment_is_refused_with_those_that_exist(environment):
    with pytest.raises(SettingsError, match="use one of dev, staging, prod"):
        load(environment)
