"""How many messages wait in queues, a metric that MiniStack does not publish:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
"""

# ruff: noqa: PLC0415 - MiniStack reads its settings when it is imported, so that is done late.
from __future__ import annotations

import asyncio

from rehearsal.ministack.loop import scope

_EVERY_SECONDS = 5.0


async def publish_now_and_then() -> None:
    """Until cancelled: `ApproximateNumberOfMessagesVisible` of every queue that is there."""
    from ministack.services import cloudwatch, sqs

    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        for (account, region, _), queue in list(sqs._queues._data.items()):
            with scope(account, region):
                sqs._refresh_counts(queue)
                cloudwatch.record_metric(
                    "AWS/SQS",
                    "ApproximateNumberOfMessagesVisible",
                    float(queue["attributes"]["ApproximateNumberOfMessages"]),
                    "Count",
                    {"QueueName": queue["name"]},
                )
