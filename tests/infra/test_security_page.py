"""docs/security.md has every role of dev, and none that is not there."""

import re
from pathlib import Path

from infra.assembly import UNITS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "security.md"


def test_the_page_has_the_roles_that_dev_has(assembly):
    deployed = {
        f"{unit}/{logical_id[:-8]}"
        for unit in UNITS
        for logical_id, resource in assembly.template("dev", unit)["Resources"].items()
        if resource["Type"] == "AWS::IAM::Role"
    }
    described = set(re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert described == deployed
