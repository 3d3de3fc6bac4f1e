"""The definition that is written once and then kept."""

import json
from dataclasses import replace

import pytest

from infra.settings import load
from infra.training import written
from infra.training.wiring import Buckets, Images, RoleArns, Wiring
from infra.training.written import definition_text

ROLE = "arn:${{Token[AWS.Partition.3]}}:iam::${{Token[AWS.AccountId.7]}}:role/${{Token[TOKEN.{}]}}"


def wiring_with(first: int) -> Wiring:
    """Args:
    first: number of the first of its tokens, as the CDK counts them.
    """
    numbers = iter(range(first, first + 20))

    def token() -> str:
        return f"${{Token[TOKEN.{next(numbers)}]}}"

    return Wiring(
        settings=load("dev"),
        buckets=Buckets(drops=token(), working=token(), artifacts=token()),
        images=Images(processing=token(), training=token(), inference=token()),
        roles=RoleArns(
            **{
                name: ROLE.format(next(numbers))
                for name in ("processing", "serving_model", "training", "evaluation")
            }
        ),
        volume_key_arn=token(),
        model_package_group=token(),
        tags={"Project": "shardwise"},
    )


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("definitions")


@pytest.fixture(scope="module")
def text(cache):
    return definition_text("shardwise-dev", wiring_with(100), cache)


@pytest.fixture
def without_sdk(monkeypatch):
    def refuse(*_):
        raise AssertionError("the definition was written again")

    monkeypatch.setattr(written, "_write", refuse)


def test_the_tokens_of_the_wiring_are_in_the_text(text):
    wiring = wiring_with(100)
    training = next(s for s in json.loads(text)["Steps"] if s["Name"] == "TrainModel")
    assert training["Arguments"]["RoleArn"] == wiring.roles.training
    assert training["Arguments"]["ResourceConfig"]["VolumeKmsKeyId"] == wiring.volume_key_arn
    assert wiring.buckets.drops in text


def test_the_same_wiring_with_other_tokens_needs_no_sdk(text, cache, without_sdk):
    other = definition_text("shardwise-dev", wiring_with(300), cache)
    assert other != text
    assert wiring_with(300).buckets.drops in other
    assert wiring_with(100).buckets.drops not in other


def test_another_setting_or_wiring_is_written_anew(text, cache, without_sdk):
    wiring = wiring_with(100)
    for other in (
        replace(wiring, settings=load("prod")),
        replace(wiring, tags={"Project": "other"}),
        replace(wiring, volume_key_arn=wiring.model_package_group),
    ):
        with pytest.raises(AssertionError, match="written again"):
            definition_text("shardwise-dev", other, cache)
    with pytest.raises(AssertionError, match="written again"):
        definition_text("shardwise-other", wiring, cache)


def test_a_change_of_a_step_is_written_anew(text, cache, without_sdk, monkeypatch):
    monkeypatch.setattr(written, "_SOURCES", (*written._SOURCES, "function.py"))
    with pytest.raises(AssertionError, match="written again"):
        definition_text("shardwise-dev", wiring_with(100), cache)


def test_a_file_that_was_cut_short_is_written_anew(text, tmp_path):
    definition_text("shardwise-dev", wiring_with(100), tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_text()
    file.write_text(whole[:100])
    assert definition_text("shardwise-dev", wiring_with(100), tmp_path) == text
    assert file.read_text() == whole


def test_a_cache_that_cannot_be_written_is_no_error(text, tmp_path):
    (tmp_path / "file").touch()
    assert definition_text("shardwise-dev", wiring_with(100), tmp_path / "file" / "below") == text
