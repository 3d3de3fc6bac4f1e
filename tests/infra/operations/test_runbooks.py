"""Every alarm and message has a page, and what the pages name is there."""

import importlib
import re
import shlex
from pathlib import Path

import boto3
import pytest
from click import Group

from functions.reporter import messages
from infra.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[3]
PAGES = {file.stem: file for file in (REPOSITORY / "docs" / "runbooks").glob("*.md")}
INDEX = PAGES.pop("README").read_text("utf-8")
ENVIRONMENTS = ("dev", "staging", "prod")
# What the AWS CLI has beside the services' own operations.
OF_THE_CLI = {("logs", "tail"), ("s3", "ls")}
HEADINGS = ("What it means.", "Who is hurt.", "## Look here first", "## Fix", "## Afterwards")


def text(page):
    return PAGES[page].read_text("utf-8")


def commands(page, word):
    """Lines of code blocks, and code in sentences, that begin with a word."""
    content = text(page)
    code = [*re.findall(r"^    (.+)$", content, re.MULTILINE), *re.findall(r"`([^`]+)`", content)]
    return [shlex.split(line) for line in code if line.startswith(word)]


def alarms(assembly, environment):
    return list(assembly.resources("AWS::CloudWatch::Alarm", environment))


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_alarm_names_a_runbook_that_is_there(assembly, environment):
    found = alarms(assembly, environment)
    assert len(found) >= 11
    for alarm in found:
        named = re.search(r"Runbook: docs/runbooks/([a-z-]+)\.md$", alarm["AlarmDescription"])
        assert named, alarm["AlarmDescription"]
        assert named[1] in PAGES


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_index_names_every_alarm(assembly, environment):
    for unit in ("operations", "serving"):
        for name, resource in assembly.template(environment, unit)["Resources"].items():
            if resource["Type"] == "AWS::CloudWatch::Alarm":
                listed = re.findall(r"`([A-Za-z/]+)`", INDEX)
                assert any(alarm.replace("/", "") in name for alarm in listed), name


def test_every_message_names_a_runbook_that_is_there():
    named = {
        messages.FAILED_EXECUTIONS,
        messages.REJECTED_MODELS,
        messages.WAITING_APPROVALS,
        messages.MODELS_TAKEN_BACK,
    }
    assert named <= set(PAGES)


def test_the_index_lists_every_page():
    listed = re.findall(r"\]\(([a-z-]+)\.md\)", INDEX)
    assert sorted(listed) == sorted(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_it_means_who_is_hurt_where_to_look_and_what_to_do(page):
    content = text(page)
    places = [content.find(heading) for heading in HEADINGS]
    assert -1 not in places
    assert places == sorted(places)


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_ours_are_there_with_their_options(page, monkeypatch):
    for command, *arguments in commands(page, "./scripts/"):
        if "…" in command:
            continue
        name = command.removeprefix("./scripts/")
        assert (REPOSITORY / "scripts" / name).is_file(), command
        # The CDK's own CLI takes what it takes.
        if arguments and name != "cdk":
            main = importlib.import_module(f"scripts.commands.{name.replace('-', '_')}").main
            for each in main.commands.values() if isinstance(main, Group) else [main]:
                monkeypatch.setattr(each, "callback", lambda **_: 0)
            assert main(arguments) == 0, command


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_aws_are_there_with_their_options(page):
    session = boto3.Session(region_name="us-east-1")
    for _, service, operation, *arguments in commands(page, "aws "):
        if (service, operation) in OF_THE_CLI:
            continue
        client = session.client(service)
        names = {_kebab(name): name for name in client.meta.service_model.operation_names}
        assert operation in names, f"aws {service} {operation}"
        members = client.meta.service_model.operation_model(names[operation]).input_shape.members
        known = {_kebab(member) for member in members} | {"query", "max-items"}
        given = {a.removeprefix("--") for a in arguments if a.startswith("--")}
        assert given <= known, f"aws {service} {operation}"


@pytest.mark.parametrize("page", PAGES)
def test_log_groups_stacks_settings_and_graphs_are_there(page, assembly):
    content = text(page)
    assert set(re.findall(r"/aws/[\w/-]+", content)) <= {
        "/aws/sagemaker/TrainingJobs",
        "/aws/sagemaker/ProcessingJobs",
        "/aws/sagemaker/Endpoints/shardwise-dev",
    }
    for unit in re.findall(r"shardwise-dev-([a-z]+)", content):
        assert assembly.template("dev", unit)
    for section, key in re.findall(r"`\[(\w+)\] (\w+)`", content):
        assert key in Settings.model_fields[section].annotation.model_fields, (section, key)
    (dashboard,) = assembly.resources("AWS::CloudWatch::Dashboard", "dev")
    for title in re.findall(r"\"([A-Z][^\"]+\?)\"", content):
        assert " ".join(title.split()) in str(dashboard["DashboardBody"]), title


def _kebab(name):
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()
