"""DynamoDB in this process: boto3's table, whose requests MiniStack's DynamoDB answers at once.

So conditions and expressions are judged by the same code as in a rehearsal, without a server.
"""

import itertools
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.model import OperationModel
from botocore.parsers import create_parser

from rehearsal.ministack.durable_tables import answer_in_process

_numbers = itertools.count(1)
Around = Callable[[Callable[[], Any]], Any]


@lru_cache(maxsize=1)
def _resource(around: Around) -> Any:
    made = boto3.resource(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(user_agent="tests"),  # the usual one is put together anew for each request
    )
    parser = create_parser("json")

    def answer(model: OperationModel, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, Any]:
        """In place of HTTP: the request is as boto3 made it, the answer is parsed as by it."""
        headers = {name.lower(): value for name, value in params["headers"].items()}
        status, answered, body = around(lambda: answer_in_process(headers, params["body"]))
        parsed = parser.parse(
            {"status_code": status, "headers": answered, "body": body}, model.output_shape
        )
        return AWSResponse(params["url"], status, answered, None), parsed

    made.meta.client.meta.events.register("before-call.dynamodb", answer)
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
