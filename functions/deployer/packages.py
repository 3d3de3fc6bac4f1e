"""What SageMaker says of a model package."""

from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient


class Packages:
    """Model packages as they are now."""

    def __init__(self, client: "SageMakerClient") -> None:
        self._client = client

    def is_approved(self, package: str) -> bool:
        """False too where the package was deleted."""
        try:
            described = self._client.describe_model_package(ModelPackageName=package)
        except ClientError as error:
            # SageMaker has no error code of its own for a package that is not there.
            if "does not exist" not in str(error):
                raise
            return False
        return described.get("ModelApprovalStatus") == "Approved"


def version_in(group: str, package: str) -> int | None:
    """The number of a package in a group; None where it is of another group or of none."""
    # Some of SageMaker's ARNs have the name in lower case.
    prefix, _, number = package.rpartition("/")
    if prefix.lower().endswith(f":model-package/{group.lower()}") and number.isdecimal():
        return int(number)
    return None
