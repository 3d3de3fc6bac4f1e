"""The definition that is written once and then kept."""

import json
from dataclasses import replace

import pytest

from infra.settings import load
from infra.training import definition_text as module
from infra.training.definition_text import definition_text
from infra.training.wiring import Buckets, Images, RoleArns, Wiring

ROLE = "arn:${{Token[AWS.Partition.3]}}:iam::${{Token[AWS.AccountId.7]}}:role/${{Token[TOKEN.{}]}}"


def wiring_with(first: int) -> Wiring:
    """Any wiring; `first` is the number of the first of its tokens, as the CDK counts them."""
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


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SHARDWISE_CACHE", str(tmp_path))
    return tmp_path / "definitions"


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHARDWISE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return definition_text("shardwise-dev", wiring_with(100))


@pytest.fixture
def kept(text, cache, monkeypatch):
    """The text is kept, and any other is refused."""
    monkeypatch.setattr(module, "_write", lambda *_: text)
    definition_text("shardwise-dev", wiring_with(100))

    def refuse(*_):
        raise AssertionError("the definition was written again")

    monkeypatch.setattr(module, "_write", refuse)


def test_the_tokens_of_the_wiring_are_in_the_text(text):
    wiring = wiring_with(100)
    training = next(s for s in json.loads(text)["Steps"] if s["Name"] == "TrainModel")
    assert training["Arguments"]["RoleArn"] == wiring.roles.training
    assert training["Arguments"]["ResourceConfig"]["VolumeKmsKeyId"] == wiring.volume_key_arn
    assert wiring.buckets.drops in text


def test_the_same_wiring_needs_no_sdk(text, kept):
    assert definition_text("shardwise-dev", wiring_with(100)) == text


def test_the_same_wiring_with_other_tokens_needs_no_sdk(text, kept):
    other = definition_text("shardwise-dev", wiring_with(300))
    assert other != text
    assert wiring_with(300).buckets.drops in other
    assert wiring_with(100).buckets.drops not in other


def test_another_setting_or_wiring_is_written_anew(kept):
    wiring = wiring_with(100)
    for other in (
        replace(wiring, settings=load("prod")),
        replace(wiring, tags={"Project": "other"}),
        replace(wiring, volume_key_arn=wiring.model_package_group),
    ):
        with pytest.raises(AssertionError, match="written again"):
            definition_text("shardwise-dev", other)
    with pytest.raises(AssertionError, match="written again"):
        definition_text("shardwise-other", wiring)
