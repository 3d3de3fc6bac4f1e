"""One page: are executions running, does the endpoint answer, is anything stuck?"""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.operations import metrics

_WIDTH = 12


def dashboard(  # noqa: PLR0913 - CDK props
    scope: Construct,
    construct_id: str,
    *,
    name: str,
    pipeline_name: str,
    endpoint: Mapping[str, Sequence[cloudwatch.IMetric]],
    alarms: Sequence[cloudwatch.IAlarm],
    queues: Sequence[cloudwatch.IMetric],
    drift: cloudwatch.IMetric | None,
) -> cloudwatch.Dashboard:
    """:param endpoint: metrics of the endpoint, by the title of their graph."""
    executions = [
        metrics.executions(outcome, pipeline_name)
        for outcome in ("Started", "Succeeded", "Failed", "Stopped")
    ]
    return cloudwatch.Dashboard(
        scope,
        construct_id,
        dashboard_name=name,
        widgets=[
            [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=2 * _WIDTH)],
            [_graph("Executions", executions), _graph("Events that failed", queues)],
            *_pairs([_graph(title, shown) for title, shown in endpoint.items()]),
            [_graph("Drift of the answered classes", [drift])] if drift else [],
        ],
    )


def _pairs(graphs: list[cloudwatch.GraphWidget]) -> list[list[cloudwatch.IWidget]]:
    return [[*graphs[first : first + 2]] for first in range(0, len(graphs), 2)]


def _graph(title: str, shown: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(shown), width=_WIDTH)
