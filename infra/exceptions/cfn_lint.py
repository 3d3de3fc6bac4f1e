"""Rules of cfn-lint that a resource does not follow, with the reason."""

from infra.exceptions.accepted import Accepted

_ROLE = (
    "The CDK's Lambda construct names its role both as a property and as a dependency; the second "
    "changes nothing."
)

EXCEPTIONS = (
    Accepted("*/*Function*", "W3005", _ROLE),
    Accepted("*/serving/ApprovedModelDeploymentDeployer*", "W3005", _ROLE),
)
"""Subjects are `<environment>/<unit>/<logical id>`."""
