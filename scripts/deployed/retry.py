"""Goes on with an execution that failed or was stopped, and tells what that cost and saved."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import boto3
from rich.console import Console

from functions.reporter.costs import Prices
from functions.reporter.executions import Execution, Executions, Job, Step
from functions.reporter.reasons import Cause, Ending, judge
from infra.costs import load_prices
from scripts.console import CommandError
from scripts.deployed.session import poll_seconds

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


def retry(session: boto3.Session, arn: str, patience: float, console: Console) -> Execution:
    """Lets SageMaker go on from the steps that did not succeed; gives how it was before.

    Says so where the cause is none that passes by itself: a person may have mended it meanwhile.

    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_RetryPipelineExecution.html

    Raises:
        CommandError: the execution succeeded, or goes on, or rejected its model, or does not begin
            again in `patience` seconds.
    """
    sagemaker = session.client("sagemaker")
    before = Executions(sagemaker).read(arn)
    if before.status == "Succeeded":
        raise CommandError(
            f"The execution {arn} succeeded and there is nothing to retry: ./scripts/drop starts "
            "another."
        )
    if before.status not in {"Failed", "Stopped"}:
        raise CommandError(
            f"The execution {arn} is {before.status} and can't be retried yet: follow it with "
            "./scripts/watch, and retry it if it fails."
        )
    _consider(judge(before), arn, console)
    changed = _modified(sagemaker, arn)
    sagemaker.retry_pipeline_execution(
        PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex
    )
    end = time.monotonic() + patience
    # It is Failed or Stopped until it goes on, and would be taken for over.
    while _modified(sagemaker, arn) == changed:
        if time.monotonic() > end:
            raise CommandError(
                f"SageMaker took the retry of {arn}, which has not gone on after {patience:.0f} s: "
                "look later with ./scripts/watch."
            )
        time.sleep(poll_seconds())
    return before


def _consider(endings: Sequence[Ending], arn: str, console: Console) -> None:
    if any(ending.cause is Cause.VERDICT for ending in endings):
        raise CommandError(
            f"The execution {arn} rejected its model and is not retried, as its evaluation is kept "
            "and so is the verdict: docs/runbooks/rejected-models.md says what to do."
        )
    for ending in endings:
        if not ending.cause.may_pass:
            console.print(
                f"{ending.step.name}: {ending.reason}. A retry has the same definition, "
                "images and parameters: it helps only if the cause lies outside and is mended."
            )


def _modified(sagemaker: "SageMakerClient", arn: str) -> datetime:
    return sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)["LastModifiedTime"]


@dataclass(frozen=True)
class Bill:
    """What a retry ran and kept: the execution when it was retried, and as it is now."""

    before: Execution
    after: Execution
    prices: Prices

    def lines(self) -> list[str]:
        """A sentence for each step that ran, and one for all that were kept."""
        kept = [step for step in self.before.steps if step.status == "Succeeded"]
        names = {step.name for step in kept}
        ran = [step for step in self.after.steps if step.name not in names]
        lines = [self._of_step(step) for step in ran if self._jobs_since(step)]
        if kept:
            saved = self.prices.cost(_jobs_of(self.before, *kept))
            shown = ", ".join(step.name for step in kept)
            lines.append(f"Kept as they had succeeded, which saved {saved}: {shown}.")
        return lines

    def _of_step(self, step: Step) -> str:
        now = self.prices.cost(self._jobs_since(step))
        earlier = _jobs_of(self.before, step)
        if not earlier:
            return f"{step.name} ran for the first time: {step.seconds:.0f} s, {now}."
        return (
            f"{step.name} ran again: {step.seconds:.0f} s, {now}; what it had run before cost "
            f"{self.prices.cost(earlier)}."
        )

    def _jobs_since(self, step: Step) -> list[Job]:
        known = {job.name for job in self.before.jobs}
        return [job for job in _jobs_of(self.after, step) if job.name not in known]


def bill(session: boto3.Session, before: Execution, console: Console) -> None:
    """Prints what became of a retry that has ended."""
    after = Executions(session.client("sagemaker")).read(before.arn)
    for line in Bill(before, after, prices(session.region_name)).lines():
        console.print(line)


def prices(region: str) -> Prices:
    """On-demand prices of a Region; none where the table lacks it."""
    table = load_prices()
    found = table.regions.get(region)
    return Prices(str(table.date), dict(found.hours) if found else {})


def _jobs_of(execution: Execution, *steps: Step) -> list[Job]:
    return [job for job in execution.jobs if any(job.is_of(step) for step in steps)]
