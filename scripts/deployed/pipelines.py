"""The deployed pipeline and its executions."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3

from functions.starter.records import WAITING
from scripts.console import CommandError, shown
from scripts.deployed import stacks
from scripts.deployed.session import poll_seconds
from scripts.deployed.trigger import GOES_ON, Record

if TYPE_CHECKING:
    from mypy_boto3_sagemaker.type_defs import PipelineExecutionStepTypeDef

ENDED = frozenset({"Succeeded", "Failed", "Stopped"})


def parameter_default(session: boto3.Session, pipeline: str, name: str) -> Any:
    """A default in the deployed definition; CommandError where there is no such parameter."""
    described = session.client("sagemaker").describe_pipeline(PipelineName=pipeline)
    for parameter in json.loads(described["PipelineDefinition"]).get("Parameters", []):
        if parameter["Name"] == name and "DefaultValue" in parameter:
            return parameter["DefaultValue"]
    raise CommandError(
        f"The pipeline {pipeline} has no default for {name}: deploy the training stack again."
    )


def newest_execution(session: boto3.Session, pipeline: str) -> str:
    """Its ARN. Raises CommandError where the pipeline has none yet."""
    newest = next(executions(session, pipeline), None)
    if newest is None:
        raise CommandError(
            f"The pipeline {pipeline} has no execution yet: ./scripts/drop DIR starts one."
        )
    return newest


def execution_named(session: boto3.Session, environment: str, name: str) -> str:
    """ARN of an execution by its ARN, its id, or "" for the newest; CommandError for none."""
    pipeline = stacks.output(session, environment, "training", "PipelineName")
    if not name:
        return newest_execution(session, pipeline)
    if name.startswith("arn:"):
        if name.split("/")[1:2] != [pipeline]:
            raise CommandError(
                f"{shown(name)} is no execution of {pipeline}: --environment chooses another."
            )
        return name
    for arn in executions(session, pipeline):
        if arn.rpartition("/")[2] == name:
            return arn
    raise CommandError(
        f"The pipeline {pipeline} has no execution {shown(name)}: ./scripts/drops shows those of "
        "drops, and ./scripts/drop DIR starts one."
    )


def execution_of_drop(
    session: boto3.Session, environment: str, drop_id: str, seconds: float
) -> str:
    """Waits until the execution that covers a drop is there, and gives its ARN.

    Of a drop that the table does not know, that is one with its id as DropId, begun by a person.

    Raises:
        CommandError: there is none after `seconds`, or none will ever be, as the drop is refused.
    """
    record = Record(session, environment)
    pipeline = stacks.output(session, environment, "training", "PipelineName")
    looked_at: set[str] = set()
    end = time.monotonic() + seconds
    while True:
        drop = record.drop(drop_id)
        started = drop.run.execution_arn if drop and drop.run else ""
        if drop is None and (found := _started_for(session, pipeline, drop_id, looked_at)):
            return found
        if drop and started and drop.state != WAITING:
            return started
        if drop and not started and drop.state not in GOES_ON:
            why = drop.reason or (drop.run.reason if drop.run else "")
            why = why.rstrip(".") or f"./scripts/drops {shown(drop_id)} says more"
            raise CommandError(f"The drop {shown(drop_id)} is {drop.state}, without a run: {why}.")
        if time.monotonic() > end:
            raise CommandError(
                f"No execution of {pipeline} for the drop {shown(drop_id)} is there after "
                f"{seconds:.0f} s: ./scripts/drops {shown(drop_id)} says what it waits for."
            )
        time.sleep(poll_seconds())


def _started_for(
    session: boto3.Session, pipeline: str, drop_id: str, looked_at: set[str]
) -> str | None:
    for arn in executions(session, pipeline):
        if arn in looked_at:
            break  # newest first: the rest was looked at before
        if _drop_id(session, arn) == drop_id:
            return arn
        looked_at.add(arn)
    return None


def steps_of(session: boto3.Session, execution: str) -> "list[PipelineExecutionStepTypeDef]":
    """The steps that have begun, in the order in which they did."""
    paginator = session.client("sagemaker").get_paginator("list_pipeline_execution_steps")
    pages = paginator.paginate(PipelineExecutionArn=execution, SortOrder="Ascending")
    return list(pages.search("PipelineExecutionSteps[]"))


def executions(session: boto3.Session, pipeline: str) -> Iterator[str]:
    """ARNs of all executions, the newest first."""
    paginator = session.client("sagemaker").get_paginator("list_pipeline_executions")
    pages = paginator.paginate(PipelineName=pipeline, SortBy="CreationTime", SortOrder="Descending")
    return pages.search("PipelineExecutionSummaries[].PipelineExecutionArn")


def _drop_id(session: boto3.Session, execution: str) -> str | None:
    paginator = session.client("sagemaker").get_paginator("list_pipeline_parameters_for_execution")
    pages = paginator.paginate(PipelineExecutionArn=execution)
    return next(pages.search("PipelineParameters[?Name=='DropId'].Value"), None)
