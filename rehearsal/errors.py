"""The errors of SageMaker's API, with AWS's codes.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html
"""

from __future__ import annotations


class ApiError(Exception):
    """An error that a client of the API is told.

    :param code: AWS's error code, for example `ValidationException`.
    :param message: one sentence.
    :param status: HTTP status.
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status


def validation(message: str) -> ApiError:
    """The request can't be right, whatever the state."""
    return ApiError("ValidationException", message)


def not_found(message: str) -> ApiError:
    """What the request names isn't there."""
    return ApiError("ResourceNotFound", message)


def in_use(message: str) -> ApiError:
    """The name is taken, or the resource is busy."""
    return ApiError("ResourceInUse", message)


def conflict(message: str) -> ApiError:
    """The resource was changed meanwhile, or has parts that must go first."""
    return ApiError("ConflictException", message)


def limit_exceeded(message: str) -> ApiError:
    """A quota is used up."""
    return ApiError("ResourceLimitExceeded", message)
