"""Errors that an AWS client sees, with the codes that SageMaker documents.

Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/CommonErrors.html and each
operation's own page.
"""

from __future__ import annotations

from typing import Any


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


def validation(message: str) -> ApiError:
    return ApiError("ValidationException", message)


def not_found(message: str) -> ApiError:
    """`ResourceNotFound`, for the operations whose model lists it; the others say
    `ValidationException` for what is not there: see `missing`.
    """
    return ApiError("ResourceNotFound", message)


def missing(kind: str, arn: str) -> ApiError:
    """The `ValidationException` with which SageMaker says that e.g. a model is not there."""
    return validation(f'Could not find {kind} "{arn}".')


def in_use(message: str) -> ApiError:
    return ApiError("ResourceInUse", message)


def conflict(message: str) -> ApiError:
    return ApiError("ConflictException", message)


def limit_exceeded(message: str) -> ApiError:
    return ApiError("ResourceLimitExceeded", message)
