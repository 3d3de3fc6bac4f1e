"""One page whose graphs answer questions, in the order in which they come up."""

from collections.abc import Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra import names
from infra.operations import metrics
from infra.operations.metrics import Graphs
from infra.settings import Settings
from infra.trigger import held_drops, waiting_drops

_WIDTH = 12
_TEXT_HEIGHT = 3


def dashboard(  # noqa: PLR0913 - CDK props
    scope: Construct,
    construct_id: str,
    *,
    settings: Settings,
    alarms: Sequence[cloudwatch.IAlarm],
    failures: Sequence[cloudwatch.IMetric],
    drift: cloudwatch.IMetric | None,
) -> None:
    """Makes the page, called as the environment is.

    Args:
        failures: what of our own failed: queues and functions.
    """
    graphs = [
        *(_graph(title, lines) for title, lines in _of_runs(settings.name).items()),
        _accuracy(settings),
        *(_graph(title, lines) for title, lines in _of_costs(settings.name).items()),
        *(_graph(title, lines) for title, lines in metrics.endpoint_graphs(settings).items()),
        *([_graph("Do the answered classes drift?", [drift])] if drift else []),
        _graph("Did an event or a function of ours fail?", failures),
    ]
    cloudwatch.Dashboard(
        scope,
        construct_id,
        dashboard_name=settings.name,
        widgets=[
            [_introduction(settings)],
            [
                cloudwatch.AlarmStatusWidget(
                    title="Is anything wrong?", alarms=list(alarms), width=2 * _WIDTH
                )
            ],
            *([*graphs[first : first + 2]] for first in range(0, len(graphs), 2)),
        ],
    )


def _introduction(settings: Settings) -> cloudwatch.TextWidget:
    index = f"{names.runbooks_address(settings.github.repository)}README.md"
    link = f"[{index}]({index})" if index.startswith("https:") else f"`{index}`"
    return cloudwatch.TextWidget(
        markdown=f"## {settings.name}\nWhat to do about an alarm: {link}. What a run is at: "
        f"`./scripts/watch --environment {settings.stage}`. "
        f"What became of a drop: `./scripts/drops --environment {settings.stage}`.",
        width=2 * _WIDTH,
        height=_TEXT_HEIGHT,
    )


def _of_runs(name: str) -> Graphs:
    return {
        "Do executions start, and how do they end?": [
            metrics.executions(outcome, name)
            for outcome in ("Started", "Succeeded", "Failed", "Stopped")
        ],
        "Do drops wait?": [waiting_drops(name), held_drops(name)],
        "How many milliseconds does each step take?": [metrics.step_durations(name)],
        "How many images per second does training take?": [
            metrics.run("ImagesPerSecond", name, "Images/s, of all hosts together")
        ],
        "How many images does each run train on?": [metrics.run("Objects", name, "Images")],
        "Are models registered, or rejected?": [
            metrics.steps("Succeeded", name, "RegisterModel", "Registered"),
            metrics.steps("Failed", name, "RejectModel", "Rejected"),
        ],
    }


def _accuracy(settings: Settings) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title="How accurate is each run's model?",
        left=[metrics.run("Accuracy", settings.name, "Accuracy on the test channel")],
        left_annotations=[
            cloudwatch.HorizontalAnnotation(
                value=settings.evaluation.accuracy_threshold, label="AccuracyThreshold"
            )
        ],
        width=_WIDTH,
    )


def _of_costs(name: str) -> Graphs:
    return {
        "How many USD does each run cost?": [
            metrics.run("RunCost", name, "USD, all attempts of the run together")
        ],
        "Which steps cost it?": [metrics.step_costs(name)],
    }


def _graph(title: str, shown: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(shown), width=_WIDTH)
