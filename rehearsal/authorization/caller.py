"""SageMaker's API as a role calls it, through the door: signed, authorised and on record."""

from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from rehearsal import aws
from rehearsal.backends import Call
from rehearsal.errors import ApiError, validation


def caller(role: aws.Role) -> Call:
    """A `rehearsal.backends.Call` of the role.

    It raises ApiError for what SageMaker, IAM or STS refuses or leaves without an answer, and for
    a request that its model does not allow.
    """

    def call(operation: str, request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = getattr(role.client("sagemaker"), xform_name(operation))(
                **request
            )
        except ClientError as error:
            refusal = error.response["Error"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            raise ApiError(refusal["Code"], refusal["Message"], status) from error
        except ParamValidationError as error:
            # The client refuses what SageMaker would refuse.
            raise validation(" ".join(str(error).split())) from error
        except BotoCoreError as error:
            raise ApiError("ServiceUnavailable", str(error), 503) from error
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    return call
