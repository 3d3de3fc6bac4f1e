"""`watch` on real executions of a real pipeline."""

import io
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from rich.console import Console

from scripts.commands import watch as command
from scripts.console import CommandError
from scripts.deployed import stacks
from scripts.deployed.pipelines import newest_execution, parameter_default

Watch = Callable[..., int]


@pytest.fixture
def watch(environment: str, console: Console, pipeline: str) -> Watch:
    def run(*arguments: str) -> int:
        given = [*arguments, "--environment", environment]
        return command.main.execute(given, console)

    return run


def start(session: boto3.Session, pipeline: str, drop_id: str) -> str:
    return session.client("sagemaker").start_pipeline_execution(
        PipelineName=pipeline,
        ClientRequestToken=f"{pipeline}-{drop_id}".ljust(32, "-"),
        PipelineParameters=[{"Name": "DropId", "Value": drop_id}],
    )["PipelineExecutionArn"]


def test_a_failed_execution_is_followed_to_its_end_and_says_why(
    session: boto3.Session,
    pipeline: str,
    watch: Watch,
    output: io.StringIO,
    capsys: pytest.CaptureFixture[str],
) -> None:
    execution = start(session, pipeline, "d1")

    assert watch() == 1
    said = output.getvalue()
    assert f"Execution {execution}" in said
    assert "RejectModel: Failed after" in said
    assert "RejectModel failed: Not good enough." in said
    told = capsys.readouterr().err
    assert "The execution failed: docs/runbooks/rejected-models.md says what to do." in told


def test_the_execution_of_a_drop_is_found_among_others(
    session: boto3.Session, pipeline: str, watch: Watch, output: io.StringIO
) -> None:
    executions = {drop_id: start(session, pipeline, drop_id) for drop_id in ("d1", "d2", "d3")}

    watch("--drop", "d2")

    assert f"Execution {executions['d2']}" in output.getvalue()
    assert newest_execution(session, pipeline) == executions["d3"]


def test_an_execution_that_does_not_come_is_one_sentence(watch: Watch) -> None:
    with pytest.raises(CommandError, match="for the drop d1 is there after 0 s"):
        watch("--drop", "d1", "--patience", "0")


@pytest.fixture
def record_drop(session: boto3.Session, environment: str, pipeline: str) -> Callable[..., None]:
    """Writes a drop into the trigger's table: `record_drop(key, State=…)`."""
    outputs = stacks.outputs_of(stacks.describe(session, environment, "trigger"))
    table: Any = session.resource("dynamodb").Table(outputs["DropsTableName"])
    written = {"Kind": "drop", "Since": "2026-11-25T10:15:00+00:00"}
    return lambda key, **more: table.put_item(Item=written | {"Id": key} | more)


@pytest.mark.parametrize("key", ["bad\nid", "drops/bad\nid/_SUCCESS"])
@pytest.mark.parametrize("state", ["Refused", "Unheard of"])
def test_a_drop_that_will_have_no_execution_is_told_at_once(
    record_drop: Callable[..., None], watch: Watch, key: str, state: str
) -> None:
    record_drop(key, State=state, Reason="Its name has a line break.")

    with pytest.raises(CommandError) as told:
        watch("--drop", "bad\nid")

    assert str(told.value) == (
        f"The drop bad\\nid is {state}, without a run: Its name has a line break."
    )


def test_a_drop_of_which_its_run_used_nothing_is_told_so(
    session: boto3.Session,
    environment: str,
    record_drop: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    record_drop("used", State="Succeeded")
    record_drop("empty", State="Unused", Reason="It holds no images: drop them again.")

    assert command.tell_if_unused(session, environment, "used") == 0
    assert command.tell_if_unused(session, environment, "of a person") == 0
    assert command.tell_if_unused(session, environment, "empty") == 1
    told = capsys.readouterr().err
    assert told == "The drop empty is Unused: It holds no images: drop them again.\n"


def test_a_pipeline_without_executions_is_one_sentence(watch: Watch) -> None:
    with pytest.raises(CommandError, match=r"has no execution yet: \./scripts/drop DIR"):
        watch()


def test_a_parameters_default_is_that_of_the_deployed_definition(
    session: boto3.Session, pipeline: str
) -> None:
    assert parameter_default(session, pipeline, "MinimumPerClassAndChannel") == 1
    with pytest.raises(CommandError, match="has no default for Other"):
        parameter_default(session, pipeline, "Other")
