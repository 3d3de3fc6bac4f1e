"""One run of each scanner over all environments, Dockerfiles and workflows."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.settings import ENVIRONMENTS
from tests.infra.scanners import tree
from tests.infra.scanners.environment import scanners
from tests.infra.scanners.tree import Scanned


@pytest.fixture(scope="session")
def scanned(assembly, options, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All environments, and dev with every option as `options`."""
    # Checkov takes 40 letters and slashes of a template's own path for a secret key: no more than
    # a few follow this hyphen.
    folder = tmp_path_factory.mktemp("scanned-")
    environments = {name: assembly.templates(name) for name in ENVIRONMENTS}
    tree.write(folder, {**environments, "options": options.templates("dev")})
    return folder


@pytest.fixture(scope="session")
def checkov(scanned: Path) -> list[Scanned]:
    """All that checkov finds, offline."""
    frameworks = ["cloudformation", "dockerfile", "github_actions"]
    command = [str(scanners() / "checkov"), "--skip-download", "--compact", "--quiet"]
    command += ["--output", "json", "--soft-fail", "--directory", str(scanned)]
    command += ["--framework", *frameworks]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    reports = json.loads(done.stdout)
    assert {report["check_type"] for report in reports} == set(frameworks)
    assert [r for r in reports if r["summary"]["parsing_errors"]] == []
    return sorted(
        {_of_checkov(failed) for report in reports for failed in report["results"]["failed_checks"]}
    )


def _of_checkov(failed: dict[str, Any]) -> Scanned:
    file = failed["file_path"].lstrip("/")
    logical_id = failed["resource"].rpartition(".")[2]
    is_template = file.endswith(".template.json")
    subject = f"{file.removesuffix('.template.json')}/{logical_id}" if is_template else file
    places = ", ".join(sorted(failed["check_result"].get("evaluated_keys") or []))
    return Scanned(subject, failed["check_id"], f"{failed['check_name']} ({places})")


@pytest.fixture(scope="session")
def cfn_lint(scanned: Path) -> list[Scanned]:
    """All that cfn-lint finds."""
    files = sorted(map(str, scanned.rglob("*.template.json")))
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--format", "json", "--", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    return sorted({_of_cfn_lint(scanned, match) for match in json.loads(done.stdout)})


def _of_cfn_lint(folder: Path, match: dict[str, object]) -> Scanned:
    file = Path(str(match["Filename"])).relative_to(folder)
    template = file.as_posix().removesuffix(".template.json")
    path = match["Location"]["Path"]  # type: ignore[index]
    place = path[1] if path and path[0] == "Resources" else "/".join(map(str, path or []))
    return Scanned(f"{template}/{place}", match["Rule"]["Id"], match["Message"])  # type: ignore[index]
