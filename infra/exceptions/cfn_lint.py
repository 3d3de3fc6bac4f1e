"""Rules of cfn-lint that a resource does not follow, with the reason."""

from infra.exceptions.accepted import Accepted

_ROLE = (
    "The CDK's Lambda construct names its role both as a property and as a dependency; the second "
    "changes nothing."
)
_WHOLE = "What it names as a property is named as a dependency, too, with the policy beside it."

EXCEPTIONS = (
    Accepted("*/*Function*", "W3005", _ROLE),
    Accepted("*/serving/ApprovedModelDeploymentDeployer*", "W3005", _ROLE),
    Accepted("options/network/VpcFlowLog*", "W3005", _WHOLE),
    Accepted("options/operations/Budget", "W3005", _WHOLE),
)
"""Subjects are `<environment>/<unit>/<logical id>`."""
