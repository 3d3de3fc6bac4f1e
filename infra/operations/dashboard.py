"""One page: are executions running, does the endpoint answer, is anything stuck?"""

from collections.abc import Sequence

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
    endpoint_name: str,
    variant: str,
    alarms: Sequence[cloudwatch.IAlarm],
    queues: Sequence[cloudwatch.IMetric],
    drift: cloudwatch.IMetric | None,
) -> cloudwatch.Dashboard:
    executions = [
        metrics.executions(outcome, pipeline_name)
        for outcome in ("Started", "Succeeded", "Failed", "Stopped")
    ]
    answers = [
        metrics.endpoint(metric, endpoint_name, variant)
        for metric in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
    ]
    latency = [
        metrics.endpoint("ModelLatency", endpoint_name, variant, statistic)
        for statistic in (cloudwatch.Stats.percentile(50), cloudwatch.Stats.percentile(99))
    ]
    return cloudwatch.Dashboard(
        scope,
        construct_id,
        dashboard_name=name,
        widgets=[
            [cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=2 * _WIDTH)],
            [_graph("Executions", executions), _graph("Events that failed", queues)],
            [_graph("Invocations", answers), _graph("Model latency", latency)],
            [_graph("Drift of the answered classes", [drift])] if drift else [],
        ],
    )


def _graph(title: str, shown: Sequence[cloudwatch.IMetric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(shown), width=_WIDTH)
