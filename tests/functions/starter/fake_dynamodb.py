"""DynamoDB in this process: boto3's table, whose requests MiniStack's DynamoDB answers at once.

So conditions and expressions are judged by the same code as in a rehearsal, without a server.
"""

import io
import itertools
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from rehearsal.ministack.durable_tables import answer_in_process

_numbers = itertools.count(1)
Around = Callable[[Callable[[], Any]], Any]


class _Body(io.BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


@lru_cache(maxsize=1)
def _resource(around: Around) -> Any:
    made = boto3.resource(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(signature_version=UNSIGNED),
    )

    def answer(request: Any, **_: Any) -> AWSResponse:
        body = request.body if isinstance(request.body, bytes) else request.body.encode()
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        status, answered, content = around(lambda: answer_in_process(headers, body))
        return AWSResponse(request.url, status, answered, _Body(content))

    made.meta.client.meta.events.register("before-send.dynamodb", answer)
    return made


def create_table(around: Around, properties: dict[str, Any]) -> Any:
    """A new table like that of a template's resource, as boto3's resource has it.

    Args:
        around: Gets each call, and makes it or not.
    """
    wanted = ("KeySchema", "AttributeDefinitions", "LocalSecondaryIndexes", "BillingMode")
    return _resource(around).create_table(
        TableName=f"drops{next(_numbers)}", **{key: properties[key] for key in wanted}
    )
