"""How many messages wait in queues, a metric that MiniStack does not publish:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

from rehearsal.ministack.loop import scope
from rehearsal.supervised import Failures

EVERY_SECONDS = 5.0
_failures = Failures("queue metrics")


def publish() -> None:
    """`ApproximateNumberOfMessagesVisible` of every queue that is there."""
    from ministack.services import cloudwatch, sqs

    for (account, region, url), queue in list(sqs._queues._data.items()):
        with _failures.watched(url), scope(account, region):
            sqs._refresh_counts(queue)
            cloudwatch.record_metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                float(queue["attributes"]["ApproximateNumberOfMessages"]),
                "Count",
                {"QueueName": queue["name"]},
            )
