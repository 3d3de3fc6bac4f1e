"""`./scripts/drift`: how far the classes that are answered are from those of training."""

import json
from typing import Any

import boto3
import click
from botocore.config import Config
from botocore.exceptions import ClientError
from rich.console import Console
from rich.table import Table

from infra.names import ARTIFACTS_BUCKET_NAME, COMPARISON, COMPARISON_FUNCTION_NAME
from scripts.cli import command, environment_option
from scripts.console import CommandError, shown
from scripts.deployed import stacks
from scripts.deployed.session import aws_session
from scripts.deployed.trigger import Record

FUNCTION_SECONDS = 900  # a Lambda function never runs longer


@command("drift", example="./scripts/drift --now")
@click.option("--now", is_flag=True, help="compare first, without the schedule")
@click.option("--json", "as_json", is_flag=True, help="the comparison as it is kept")
@environment_option
def main(console: Console, environment: str, now: bool, as_json: bool) -> int:
    """Shows how far the classes that the endpoint answers are from those of training.

    It is the last comparison that is shown. docs/drift.md says what to do where they differ.
    """
    session = aws_session()
    if now:
        _compare(session, environment)
    bucket = stacks.output(session, environment, "data", ARTIFACTS_BUCKET_NAME)
    comparison = _read(session, bucket, COMPARISON)
    if comparison is None:
        raise CommandError(
            f"No comparison is kept in s3://{bucket}/{COMPARISON} yet: give [drift] every_hours "
            f"and [endpoint] capture_percent in {stacks.settings_file(environment)}, "
            "deploy, and wait, or run ./scripts/drift --now."
        )
    if as_json:
        console.print(json.dumps(comparison, ensure_ascii=False))
        return 0
    _tell(comparison, console)
    console.print(_run(session, environment, comparison["model_package_arn"]))
    return 0


def _compare(session: boto3.Session, environment: str) -> None:
    """Runs the function that the schedule runs; CommandError where there was nothing to compare."""
    operations = stacks.describe(session, environment, "operations")
    function = stacks.outputs_of(operations).get(COMPARISON_FUNCTION_NAME)
    if function is None:
        raise CommandError(
            f"Nothing compares in {environment}: give [drift] every_hours in "
            f"{stacks.settings_file(environment)} and run {stacks.deploy_command(environment)}."
        )
    patient = Config(read_timeout=FUNCTION_SECONDS, retries={"max_attempts": 0})
    answer = session.client("lambda", config=patient).invoke(FunctionName=function, Payload=b"{}")
    content = answer["Payload"].read()
    said: Any = json.loads(content) if content else None
    if answer.get("FunctionError"):
        raise CommandError(f"The function {function} failed: {said['errorMessage']}.")
    if said is None:
        raise CommandError(
            f"There was nothing to compare: the stack {stacks.stack_name(environment, 'serving')} "
            "serves no model, or changes, or its model package does not say what it was trained "
            "on; serve one that the pipeline registered."
        )


def _tell(comparison: dict[str, Any], console: Console) -> None:
    console.print(f"Endpoint {comparison['endpoint']}, compared at {comparison['time']}")
    console.print(f"Model package {comparison['model_package_arn']}")
    console.print(f"Trained on {comparison['trained']}")
    console.print(
        f"{comparison['predictions']} captured predictions since {comparison['since']} in "
        f"{comparison['files']} files; {comparison['of_other_models']} of other models and "
        f"{comparison['unreadable']} unreadable lines are left out"
    )
    if not comparison["is_whole"]:
        console.print("The oldest of them are left out, as they are more than a comparison reads")
    console.print(_classes(comparison))
    console.print(_conclusion(comparison))


def _classes(comparison: dict[str, Any]) -> Table:
    counts = comparison["classes"]
    trained, predicted = (
        sum(count[kind] for count in counts.values()) for kind in ("trained", "predicted")
    )
    made = Table("class", "trained", "predicted", "trained share", "predicted share", "difference")
    for label, count in counts.items():
        before = count["trained"] / trained
        now = count["predicted"] / predicted if predicted else 0.0
        made.add_row(
            *(shown(label), str(count["trained"]), str(count["predicted"])),
            *(f"{before:.1%}", f"{now:.1%}", f"{now - before:+.1%}"),
        )
    return made


def _conclusion(comparison: dict[str, Any]) -> str:
    if comparison["drift"] is None:
        return (
            f"Fewer than {comparison['minimum_predictions']} predictions: the shares are not "
            "compared"
        )
    is_past = comparison["drift"] > comparison["threshold"]
    return (
        f"Distance {comparison['distance']:.3f}, of which chance explains "
        f"{comparison['by_chance']:.3f}: drift {comparison['drift']:.3f} is "
        f"{'past' if is_past else 'not past'} the threshold {comparison['threshold']:.3f}"
    )


def _run(session: boto3.Session, environment: str, package: str) -> str:
    asked_as = f"drift/{package.partition(':model-package/')[2]}"
    asked = Record(session, environment).drop(asked_as)
    if asked is None:
        return "Drift of this model package has asked for no run"
    execution = asked.run.execution_arn if asked.run else ""
    state = f"{asked.state}{f', execution {execution}' if execution else ''}"
    return f"Drift of this model package has asked for a run as {asked_as}: {state}"


def _read(session: boto3.Session, bucket: str, key: str) -> dict[str, Any] | None:
    try:
        body = session.client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        if error.response["Error"].get("Code") != "NoSuchKey":
            raise
        return None
    found: dict[str, Any] = json.load(body)
    return found
