import json
from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.commands import settings
from scripts.deployed import stacks

REPOSITORY = Path(__file__).resolve().parents[3]
Settings = Callable[..., str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Settings:
    """Runs the command and gives what it printed."""

    def run(*arguments: str, status: int = 0) -> str:
        assert settings.main(list(arguments)) == status
        printed = capsys.readouterr()
        return printed.err if status else printed.out

    return run


def _row(printed: str, key: str) -> list[str]:
    (found,) = [line.split() for line in printed.splitlines() if line.split()[0] == key]
    return found[1:]


def test_each_value_is_told_with_where_it_comes_from(said: Settings) -> None:
    printed = said("-e", "prod", "-c", "training.hosts=4")

    assert _row(printed, "training.hosts") == ["4", "-c", "training.hosts"]
    assert _row(printed, "endpoint.capture_percent") == ["10", "infra/environments/prod.toml"]
    assert _row(printed, "data.retain") == ["true", "default"]
    assert _row(printed, "account") == ["none", "default"]


def test_a_sandbox_has_its_environments_settings_and_a_name(said: Settings) -> None:
    printed = said("-e", "dev-anna", "--changed")

    assert _row(printed, "qualifier") == ["anna", "-c", "qualifier"]
    assert _row(printed, "data.retain") == ["false", "infra/environments/dev.toml"]
    assert "default" not in printed


def test_json_has_what_the_text_has(said: Settings) -> None:
    told = json.loads(said("-e", "staging", "--json"))

    assert told["training.managed_spot"] == {
        "value": True,
        "source": "infra/environments/staging.toml",
    }
    assert len(told) == len(said("-e", "staging").splitlines())


def test_a_description_is_told_on_demand(said: Settings) -> None:
    assert "Passes over the training channel." not in said("-e", "dev")
    lines = said("-e", "dev", "--describe").splitlines()
    number = next(n for n, line in enumerate(lines) if line.startswith("training.epochs "))
    assert lines[number + 1] == "    Passes over the training channel."


def test_two_environments_are_compared_by_what_differs(said: Settings) -> None:
    printed = said("-e", "prod", "--against", "dev")

    assert _row(printed, "data.retain")[:3] == ["true", "(default)", "false"]
    assert "training.hosts" not in printed
    told = json.loads(said("-e", "prod", "--against", "dev", "--json"))
    assert told["data.retain"]["dev"] == {"value": False, "source": "infra/environments/dev.toml"}
    assert json.loads(said("-e", "dev", "--against", "dev", "--json")) == {}


def test_what_the_app_refuses_is_refused(said: Settings) -> None:
    assert said("-e", "prod", "-c", "endpoint.shift_percent=60", status=1) == (
        "-c endpoint.shift_percent is 60: give an integer from 1 to 50.\n"
    )
    assert said("-c", "training_host=2", status=1).endswith("did you mean -c training.hosts?\n")
    assert "'training.hosts' is no setting: write it as KEY=VALUE" in said(
        "-c", "training.hosts", status=2
    )
    assert said("-e", "qa", status=1).startswith("There is no environment 'qa'")


def test_the_reference_page_is_that_of_the_models(said: Settings) -> None:
    page = (REPOSITORY / "docs/settings.md").read_text("utf-8")
    assert page == said("--reference"), "run ./scripts/settings --reference > docs/settings.md"


def test_a_sandbox_is_deployed_by_its_name_from_its_environments_file() -> None:
    assert stacks.stack_name("dev-anna", "data") == "shardwise-dev-anna-data"
    assert stacks.settings_file("dev-anna") == "infra/environments/dev.toml"
    assert stacks.deploy_command("dev-anna") == (
        "./scripts/cdk deploy 'dev-anna/*' -c environment=dev-anna"
    )
    assert stacks.deploy_command("dev") == "./scripts/cdk deploy 'dev/*'"
