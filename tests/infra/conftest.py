"""One synthesis for all tests, made as the CDK CLI makes it but without a network."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
UNITS = ("data", "images", "training", "trigger", "serving", "operations")

_PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "123456789012",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::StackId": "arn:aws:cloudformation:us-east-1:123456789012:stack/s/0a1b2c3d-0000",
}


class Assembly:
    """The templates of a synthesis, by environment and unit."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def template_file(self, environment: str, unit: str) -> Path:
        return next(
            (self.folder / f"assembly-{environment}").glob(f"{environment}{unit}*.template.json")
        )

    def template(self, environment: str, unit: str) -> dict[str, Any]:
        return json.loads(self.template_file(environment, unit).read_text())

    def resources(self, kind: str, environment: str = "dev") -> Iterator[dict[str, Any]]:
        """Properties of all resources of a type in an environment."""
        for unit in UNITS:
            for resource in self.template(environment, unit)["Resources"].values():
                if resource["Type"] == kind:
                    yield resource["Properties"]

    def definition(self, environment: str = "dev") -> "Definition":
        (pipeline,) = self.resources("AWS::SageMaker::Pipeline", environment)
        return Definition(
            json.loads(deployed(pipeline["PipelineDefinition"]["PipelineDefinitionBody"]))
        )


class Definition:
    """A pipeline definition as it is once CloudFormation has filled its tokens in."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    @cached_property
    def steps(self) -> dict[str, dict[str, Any]]:
        """Every step, those of branches too, by name."""
        found: dict[str, dict[str, Any]] = {}
        waiting = list(self.content["Steps"])
        while waiting:
            step = waiting.pop(0)
            found[step["Name"]] = step
            for branch in ("IfSteps", "ElseSteps"):
                waiting.extend(step["Arguments"].get(branch, []))
        return found

    def arguments(self, step: str) -> dict[str, Any]:
        return self.steps[step]["Arguments"]

    @property
    def parameters(self) -> dict[str, Any]:
        return {p["Name"]: p.get("DefaultValue") for p in self.content["Parameters"]}


def deployed(value: Any) -> str:
    """A string property with its intrinsic functions replaced by plausible values."""
    match value:
        case str() as text:
            pass
        case {"Fn::Join": [separator, parts]}:
            text = separator.join(deployed(part) for part in parts)
        case {"Ref": name}:
            text = _PSEUDO.get(name, name)
        case {"Fn::Sub": text}:
            for name, replacement in _PSEUDO.items():
                text = text.replace(f"${{{name}}}", replacement)
        case {"Fn::GetAtt": [name, attribute]}:
            text = f"{name}.{attribute}"
        case {"Fn::ImportValue": name}:
            text = name.split(":")[1]
        case {"Fn::Select": [_, {"Fn::Split": [_, whole]}]}:
            text = deployed(whole)
        case _:
            raise AssertionError(f"an intrinsic function that no test knows: {value}")
    return text


# The app speaks to the jsii kernel through pipes; any socket to elsewhere is a mistake.
OFFLINE = """
import runpy, socket
def refuse(self, address, *rest):
    raise SystemExit(f"synthesis wanted the network: {address}")
socket.socket.connect = socket.socket.connect_ex = refuse
runpy.run_path("app.py", run_name="__main__")
"""


def run_app(
    folder: Path,
    context: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
    before: str = "",
) -> subprocess.CompletedProcess[str]:
    """Runs app.py into `folder` with the context of cdk.json and that given.

    :param before: Python that runs first, e.g. to take something away.
    """
    settled: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{OFFLINE}"],
        cwd=REPOSITORY,
        env={
            **kept,
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps({**settled, **(context or {})}),
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def synthesise(folder: Path, *arguments: Any) -> Assembly:
    done = run_app(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return Assembly(folder)


@pytest.fixture(autouse=True)
def own_session(monkeypatch):
    """A function's clients find the credentials of this test, and not those of one before."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """All environments."""
    return synthesise(tmp_path_factory.mktemp("cdk.out"))


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Dev with three hosts of two workers each, and another hash seed."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    return synthesise(
        tmp_path_factory.mktemp("wide"),
        {"environment": "dev", "training_hosts": "3", "training_workers_per_host": "2"},
        {"TMPDIR": str(elsewhere), "PYTHONHASHSEED": "3"},
    )


# What only a file can say: the settings of dev are replaced before the app reads them.
OTHER_SETTINGS = """
import infra.settings
from pathlib import Path
infra.settings.load.__defaults__ = (lambda _: None, Path({folder!r}))
"""


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    """Dev without spare capacity, starting from given weights."""
    settings = tmp_path_factory.mktemp("settings")
    (settings / "dev.toml").write_text(
        '[training]\nmanaged_spot = false\nweights_uri = "s3://our-weights/small/cnn.keras"\n'
    )
    folder = tmp_path_factory.mktemp("steady")
    before = OTHER_SETTINGS.format(folder=str(settings))
    return synthesise(folder, {"environment": "dev"}, {}, before)


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run_app


@pytest.fixture(scope="session")
def synth() -> Callable[..., Assembly]:
    return synthesise
