"""The table as it is deployed."""

from typing import Any

import pytest

from infra.assembly import CloudAssembly


@pytest.fixture(scope="session")
def drops_table(assembly: CloudAssembly) -> dict[str, Any]:
    """Properties of the starter's table in dev."""
    resources = assembly.template("dev", "trigger")["Resources"].values()
    (table,) = (r["Properties"] for r in resources if r["Type"] == "AWS::DynamoDB::Table")
    return table
