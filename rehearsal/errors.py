"""Errors that an AWS client sees, with the codes that SageMaker documents, and the server's own.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html and each
operation's own page.
"""

from typing import Any


class StartError(Exception):
    """The server can't start: one sentence, what is wrong and what to do."""


class ApiError(Exception):
    """An operation is refused.

    Attributes:
        code: e.g. `ValidationException`, as botocore shows it in `Error.Code`.
        message: one sentence: what is wrong, where, what to do.
        status: the HTTP status.
        members: further members of the error's shape.
    """

    def __init__(
        self, code: str, message: str, status: int = 400, members: dict[str, Any] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.members = members or {}


class NotFound(ApiError):  # noqa: N818 - AWS's word
    """What an operation names is not there: SageMaker has several codes for that."""


def validation(message: str) -> ApiError:
    """`ValidationException`: the request can't be right, whatever there is."""
    return ApiError("ValidationException", message)


def not_found(message: str) -> NotFound:
    """`ResourceNotFound`, for the operations whose model lists it; the others say
    `ValidationException` for what is not there: see `missing`.
    """
    return NotFound("ResourceNotFound", message)


def missing(message: str) -> NotFound:
    """`ValidationException`, as most operations say that what they name is not there."""
    return NotFound("ValidationException", message)


def in_use(message: str) -> ApiError:
    """`ResourceInUse`: there is one of that name, or something needs it."""
    return ApiError("ResourceInUse", message)


def conflict(message: str) -> ApiError:
    """`ConflictException`: not in the state in which the resource is."""
    return ApiError("ConflictException", message)
