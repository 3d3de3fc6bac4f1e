"""Bad files and command lines, and the one sentence that each is refused with."""

import re
from pathlib import Path

import pytest

from infra.settings import SettingsError, load
from infra.settings.errors import schemas

# Blocks of a bad dev.toml, and in a comment below it what is said.
TABLE = Path(__file__).with_name("bad_settings.txt").read_text("utf-8").split("\n\n")
BAD_CONTEXT = [
    ({"training.hosts": "many"}, "training.hosts is 'many': give an integer from 1 to 100."),
    ({"training.hosts": "0"}, "training.hosts is 0: give an integer from 1 to 100."),
    ({"training.hosts": "none"}, "training.hosts is 'none': give an integer from 1 to 100."),
    ({"endpoint.capture_images": "yes"}, "endpoint.capture_images is 'yes': give true or false."),
    (
        {"endpoint.shift_percent": "60"},
        "endpoint.shift_percent is 60: give an integer from 1 to 50.",
    ),
    (
        {"shards.instance_type": "ml.c5n.large"},
        "shards.instance_type: infra/costs/prices.toml does not know ml.c5n.large: use "
        "ml.c5.xlarge, or add it there.",
    ),
    (
        {"operations.notify_emails": "ops@example.com,anna"},
        "operations.notify_emails is 'anna': give a list of at most 10, each text like "
        "ops@example.com.",
    ),
    ({"qualifier": "Anna"}, "qualifier is 'Anna': give text like anna."),
    ({"qualifier": "a-b"}, "qualifier is 'a-b': give text like anna."),
]


@pytest.mark.parametrize("block", TABLE)
def test_a_bad_file_is_refused_with_its_name_the_key_and_what_to_do(tmp_path, block):
    text, _, said = block.rpartition("\n# ")
    (tmp_path / "dev.toml").write_text(text)
    assert _refused(tmp_path) == f"{tmp_path}/{said.rstrip()}"


def test_every_section_has_bad_files_in_the_table():
    sections = {key.partition(".")[0] for key in schemas() if "." in key}
    told = {match[1] for block in TABLE if (match := re.search(r"# dev\.toml: (\w+)[.:]", block))}
    assert sections <= told


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_a_file_in_another_encoding_is_refused(tmp_path, encoding):
    (tmp_path / "dev.toml").write_text("# für uns\n", encoding=encoding)
    assert _refused(tmp_path) == f"{tmp_path}/dev.toml is not UTF-8: save it in that encoding."


def test_a_byte_order_mark_is_no_mistake(tmp_path):
    (tmp_path / "dev.toml").write_text("[training]\nhosts = 3\n", encoding="utf-8-sig")
    assert load("dev", folder=tmp_path).training.hosts == 3


@pytest.mark.parametrize(("context", "said"), BAD_CONTEXT)
def test_a_bad_override_is_refused_with_its_key(context, said):
    with pytest.raises(SettingsError) as refused:
        load("dev", context)
    assert str(refused.value) == f"-c {said}"


def test_what_fits_nothing_in_the_file_is_refused_with_both_places():
    with pytest.raises(SettingsError) as refused:
        load("prod", {"endpoint.instance_count": "1"})
    assert str(refused.value) == (
        "infra/environments/prod.toml with -c endpoint.instance_count: endpoint: "
        "shift_percent 50 of instance_count 1 is less than one instance: raise one of them, or set "
        "traffic_shift to all_at_once."
    )


def test_two_qualifiers_are_refused():
    with pytest.raises(SettingsError, match="qualifier anna and bob is another"):
        load("dev-anna", {"qualifier": "bob"})


@pytest.mark.parametrize("environment", ["qa", "../dev", ""])
def test_an_unknown_environment_is_refused_with_those_that_exist(environment):
    with pytest.raises(SettingsError, match="use one of dev, staging, prod"):
        load(environment)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("training.host", "did you mean -c training.hosts?"),
        ("trainng.hosts", "did you mean -c training.hosts?"),
        ("training:hosts", "did you mean -c training.hosts?"),
        ("training-hosts", "did you mean -c training.hosts?"),
        ("training_hosts", "did you mean -c training.hosts?"),
        ("hosts", "did you mean -c training.hosts?"),
        ("drift_every_hours", "did you mean -c drift.every_hours?"),
        ("capture_percent", "did you mean -c endpoint.capture_percent?"),
        ("operations.capture_percent", "did you mean -c endpoint.capture_percent?"),
        ("endpoint_instances", "did you mean -c endpoint.instance_type?"),
        ("vpc", "did you mean -c network.vpc?"),
        ("accelerator", "did you mean -c training.accelerator or -c endpoint.accelerator?"),
        ("regoin", "did you mean -c region?"),
        ("qualifer", "did you mean -c qualifier?"),
        ("envronment", "did you mean -c environment?"),
        (
            "shards.compression",
            "take it out; encoding says now how images lie in records.",
        ),
        ("training", "take it out; docs/settings.md has all settings."),
        ("colour", "take it out; docs/settings.md has all settings."),
    ],
)
def test_context_that_would_set_nothing_is_refused(name, said):
    with pytest.raises(SettingsError) as refused:
        load("dev", {"training.hosts": "2", name: "2"})
    assert str(refused.value) == f"-c {name} sets nothing: {said}"


def test_context_of_others_is_let_be():
    theirs = ("@aws-cdk/core:checkSecretUsage", "aws:cdk:bundling-stacks", "cli-telemetry")
    others = ("aws-cdk:enableDiffNoFail", "acknowledged-issue-numbers")
    place = "account=123456789012:region=us-east-1"
    looked_up = (f"availability-zones:{place}", f"vpc-provider:{place}", f"ami:{place}")
    names = ("environment", *theirs, *others, *looked_up)
    assert load("dev", dict.fromkeys(names, "true")) == load("dev")


@pytest.mark.parametrize(
    ("context", "said"),
    [
        ({"training.host": "2"}, "shardwise: -c training.host sets nothing: did you mean"),
        ({"colour": "blue"}, "shardwise: -c colour sets nothing: take it out; docs/settings.md"),
        (
            {"environment": "prod", "endpoint.shift_percent": "60"},
            "shardwise: -c endpoint.shift_percent is",
        ),
        ({"environment": "dev-anna!"}, "shardwise: -c qualifier is 'anna!': give text"),
    ],
)
def test_the_app_says_so_too_and_makes_nothing(tmp_path, synth, context, said):
    with pytest.raises(SystemExit) as ended:
        synth(tmp_path, context)
    assert str(ended.value).startswith(said)
    assert not list(tmp_path.rglob("*.template.json"))


def _refused(folder: Path) -> str:
    with pytest.raises(SettingsError) as refused:
        load("dev", folder=folder)
    return str(refused.value)
