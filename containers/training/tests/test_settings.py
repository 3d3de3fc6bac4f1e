"""Hyperparameters are refused in one sentence, before TensorFlow is imported."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from training.common.container import UserError
from training.settings import Settings, read_settings


@pytest.fixture
def given(tmp_path):
    def write(values):
        file = tmp_path / "hyperparameters.json"
        file.write_text(json.dumps(values))
        return file

    return write


def test_strings_become_typed_values(given):
    settings = read_settings(given({"epochs": "3", "log_records": "true", "learning_rate": "1e-2"}))
    assert (settings.epochs, settings.log_records, settings.learning_rate) == (3, True, 0.01)
    assert settings.seed == Settings().seed


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"epochs": "0"}, "'epochs' has the value '0': input should be greater than"),
        ({"batch_size": "many"}, "'batch_size' has the value 'many': input should be a valid"),
        ({"model": "small_cn"}, "no such network; the nearest name is 'small_cnn'"),
        ({"precision": "half"}, "'precision' has the value 'half': input should be 'float32'"),
        ({"warmup_share": "0.9"}, "'warmup_share' has the value '0.9': input should be less"),
        ({"learning_rate": "nan"}, "'learning_rate' has the value 'nan': input should be"),
        ({"lerning_rate": "1"}, "'lerning_rate' is unknown; the nearest name is 'learning_rate'"),
    ],
)
def test_a_bad_hyperparameter_names_itself(given, values, sentence):
    with pytest.raises(UserError, match=sentence):
        read_settings(given(values))


def test_a_job_with_a_bad_hyperparameter_fails_before_tensorflow_is_imported(tmp_path):
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text('{"epochs": "none"}')
    script = (
        "import sys, pathlib, training.__main__ as entry\n"
        "code = entry.main(['train'], pathlib.Path(sys.argv[1]))\n"
        "print(code, 'tensorflow' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines()[-1] == "1 False"
    assert "'epochs' has the value 'none'" in (tmp_path / "output" / "failure").read_text()
