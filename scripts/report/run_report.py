"""Gathers the evidence of the execution that a drop started, asks the endpoint, writes the page."""

from __future__ import annotations

from pathlib import Path

import boto3

from scripts.commands import stacks
from scripts.commands.console import CommandError
from scripts.commands.pipelines import execution_of_drop
from scripts.report import answers
from scripts.report.evidence import Evidence, Reader
from scripts.report.page import render

ANSWERS = 30
PATIENCE_SECONDS = 10.0


def write_report(file: Path, environment: str, drop_id: str) -> Evidence:
    """Writes the report of the execution that covers `drop_id`; gives what it shows.

    :raises CommandError: the endpoint answers otherwise than the evaluation did.
    """
    session = boto3.Session()
    data = stacks.outputs_of(stacks.describe(session, environment, "data"))
    serving = stacks.outputs_of(stacks.describe(session, environment, "serving"))
    execution = execution_of_drop(session, environment, drop_id, PATIENCE_SECONDS)
    reader = Reader(session, execution, data["WorkingBucketName"], data["ArtifactsBucketName"])
    asked = answers.ask(
        session.client("sagemaker-runtime"),
        serving["EndpointName"],
        reader,
        data["DropsBucketName"],
        answers.choose(reader.predictions(), ANSWERS),
    )
    evidence = Evidence(
        environment=environment,
        execution_arn=execution,
        drop_id=drop_id,
        model_package_arn=serving["ModelPackageArn"],
        steps=reader.steps(),
        dataset=reader.dataset(),
        shards=reader.shards(),
        training=reader.training(),
        evaluation=reader.evaluation(),
        confusion_matrix=reader.confusion_matrix(),
        reliability=reader.reliability(),
        worst_mistakes=reader.worst_mistakes(),
        answers=asked,
    )
    file.write_text(render(evidence), encoding="utf-8")
    _check(evidence)
    return evidence


def _check(evidence: Evidence) -> None:
    different = answers.disagreements(evidence.answers)
    if different:
        raise CommandError(
            f"The endpoint answers otherwise than the evaluation did for {len(different)} of "
            f"{len(evidence.answers)} images, the first {different[0]}: see the report."
        )
