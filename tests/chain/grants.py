"""Takes a grant away from a deployed role and gives it back; finds grants that nothing needed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.suppressions import Suppression
from rehearsal.authorization.record import read
from rehearsal.grants import Grant, Role, replay
from scripts.deployed.stacks import roles_of

POLL_SECONDS = 0.3

_UPDATE = "An endpoint that is updated looks at its alarms: test_rollouts sees that it has to."
_ROLLBACK = (
    "The reporter tells of an update that was rolled back: test_rollouts sees that it has to."
)
BY_ROLLOUTS = (
    Suppression("serving/EndpointRole *:alarm:*", "cloudwatch:DescribeAlarms", _UPDATE),
    Suppression("operations/Reporter*", "cloudformation:DescribeStackEvents", _ROLLBACK),
)


@dataclass(frozen=True)
class Unneeded:
    """A grant without which nothing would have been refused."""

    subject: str
    rule: str


def unneeded_grants(rehearsed: Any, roles: Any) -> list[Unneeded]:
    """Of roles as `roles_of` gives them: all that was asked of IAM is decided anew less each."""
    uses = replay([each.role for each in roles], read(rehearsed.folder / "aws"))
    return [
        Unneeded(f"{each.label} {grant.resource}", grant.action)
        for each in roles
        for grant in each.role.grants
        if not uses[grant].needed
    ]


def role_of(rehearsed: Any, label: str) -> Role:
    (found,) = [
        each.role for each in roles_of(rehearsed.client, "dev") if each.label.startswith(label)
    ]
    return found


def _put(iam: Any, grant: Grant, document: dict[str, Any] | None) -> None:
    """Gives a grant's policy another content; None takes the policy away."""
    names = {"RoleName": grant.role, "PolicyName": grant.policy}
    if document is None:
        iam.delete_role_policy(**names)
    else:
        iam.put_role_policy(**names, PolicyDocument=json.dumps(document))


@contextmanager
def without(rehearsed: Any, label: str, action: str, on: str = "") -> Iterator[Grant]:
    """Within, the role of that label lacks one grant of the action, on what has `on` in its ARN."""
    role = role_of(rehearsed, label)
    grant = next(each for each in role.grants if each.action == action and on in each.resource)
    iam = rehearsed.client("iam")
    _put(iam, grant, role.without(grant))
    try:
        yield grant
    finally:
        _put(iam, grant, role.policies[grant.policy])


def run_job(rehearsed: Any, label: str, name: str, image: str) -> dict[str, Any]:
    """A small processing job under a role of the pipeline; what it came to."""
    role = rehearsed.client("iam").get_role(RoleName=role_of(rehearsed, label).name)["Role"]["Arn"]
    sagemaker = rehearsed.client("sagemaker")
    bucket = rehearsed.outputs("data")["WorkingBucketName"]
    sagemaker.create_processing_job(
        ProcessingJobName=name,
        RoleArn=role,
        AppSpecification={
            "ImageUri": image,
            "ContainerEntrypoint": [
                "python",
                "-c",
                "open('/opt/ml/processing/output/file', 'w').write('x'); print('a line')",
            ],
        },
        ProcessingResources={
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 1,
            }
        },
        ProcessingOutputConfig={
            "Outputs": [
                {
                    "OutputName": "out",
                    "S3Output": {
                        "S3Uri": f"s3://{bucket}/executions/grants/{name}",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ]
        },
    )
    return wait(
        lambda: sagemaker.describe_processing_job(ProcessingJobName=name), "ProcessingJobStatus"
    )


def wait(describe: Any, member: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while (described := describe())[member] in {"InProgress", "Executing", "Creating"}:
        assert time.monotonic() < end, described
        time.sleep(POLL_SECONDS)
    return described
