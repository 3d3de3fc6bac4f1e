"""What people are told by: metrics of what waits."""

from typing import Any

from .records import Outcome


class Metrics:
    """In one namespace, with the dimension PipelineName."""

    def __init__(self, client: Any, namespace: str, pipeline: str) -> None:
        self._client = client
        self._namespace = namespace
        self._pipeline = pipeline

    def put(self, outcome: Outcome) -> None:
        values = {
            "WaitingDrops": outcome.waiting,
            # Drops that wait for a person, as an execution that runs ends by itself.
            "HeldDrops": outcome.given_up + (outcome.waiting if outcome.is_held_by_guard else 0),
        }
        self._client.put_metric_data(
            Namespace=self._namespace,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": "PipelineName", "Value": self._pipeline}],
                    "Value": value,
                    "Unit": "Count",
                }
                for name, value in values.items()
            ],
        )
