"""Which model package the serving stack serves."""

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

logger = logging.getLogger(__name__)

# Old resources are removed when the new ones serve already.
_SETTLED = ("_COMPLETE", "_COMPLETE_CLEANUP_IN_PROGRESS")


def served_package(client: "CloudFormationClient", stack: str, parameter: str) -> str | None:
    """Its ARN; None where none is served, or where the stack changes, so that it may be rolled
    back.
    """
    described = client.describe_stacks(StackName=stack)["Stacks"][0]
    if not described["StackStatus"].endswith(_SETTLED):
        logger.info("%s is in %s: nothing is compared.", stack, described["StackStatus"])
        return None
    parameters = {
        given["ParameterKey"]: given["ParameterValue"] for given in described.get("Parameters", [])
    }
    package = parameters.get(parameter)
    if not package:
        logger.info("%s serves no model.", stack)
    return package or None
