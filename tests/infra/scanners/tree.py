"""What the scanners scan, in one folder: templates, Dockerfiles and workflows under short names."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.assembly import Template

REPOSITORY = Path(__file__).resolve().parents[3]
BAD = "bad"
"""The environment of a template, a Dockerfile and a workflow that each break rules."""

_BAD_TEMPLATE = {
    "Resources": {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"AccessControl": "PublicRead"}},
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "Everybody",
                "SecurityGroupIngress": [
                    {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}
                ],
            },
        },
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"DelaySeconds": "soon"}},
    }
}
_BAD_DOCKERFILE = "FROM python:latest\nADD https://example.com/program /program\nUSER root\n"
_BAD_WORKFLOW = """\
name: bad
on: [issue_comment]
permissions: write-all
jobs:
  bad:
    runs-on: ubuntu-latest
    steps:
      - run: echo "${{ github.event.comment.body }}"
"""


@dataclass(frozen=True, order=True)
class Scanned:
    """What a scanner found.

    Attributes:
        subject: `<environment>/<unit>/<logical id>`, or a file's path in the repository.
    """

    subject: str
    rule: str
    said: str


def write(folder: Path, environments: Mapping[str, Mapping[str, Template]]) -> None:
    """Templates as `<environment>/<unit>.template.json`, other files at their own paths.

    Args:
        environments: templates by environment and unit.
    """
    for environment, templates in environments.items():
        for unit, template in templates.items():
            _put(folder / environment / f"{unit}.template.json", json.dumps(template))
    for file in (
        *REPOSITORY.glob("containers/*/Dockerfile"),
        *REPOSITORY.glob(".github/workflows/*.yml"),
    ):
        target = folder / file.relative_to(REPOSITORY)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    _put(folder / BAD / "unit.template.json", json.dumps(_BAD_TEMPLATE))
    _put(folder / BAD / "Dockerfile", _BAD_DOCKERFILE)
    _put(folder / ".github" / "workflows" / f"{BAD}.yml", _BAD_WORKFLOW)


def is_bad(found: Scanned) -> bool:
    return found.subject.startswith(f"{BAD}/") or found.subject.endswith(f"/{BAD}.yml")


def _put(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
