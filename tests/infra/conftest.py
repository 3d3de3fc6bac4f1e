"""Syntheses, made as the CDK CLI makes them but without a network, or in this process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import app
from infra.cache import cached
from tests.infra.cloud_assembly import CloudAssembly

REPOSITORY = Path(__file__).resolve().parents[2]
SETTLED: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text())["context"]
WIDE = {"environment": "dev", "training.hosts": "3", "training.workers_per_host": "2"}
WAYS = {
    "dev": ['distribution = "ShardedByS3Key"'],
    "staging": ['input_mode = "FastFile"'],
    "prod": [
        'input_mode = "FastFile"',
        'distribution = "ShardedByS3Key"',
        'validation_distribution = "ShardedByS3Key"',
    ],
}
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

    Args:
        before: Python that runs first, e.g. to take something away.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return subprocess.run(
        [sys.executable, "-c", f"{before}\n{OFFLINE}"],
        cwd=REPOSITORY,
        env={
            **kept,
            "CDK_OUTDIR": str(folder),
            "CDK_CONTEXT_JSON": json.dumps({**SETTLED, **(context or {})}),
            **(environment or {}),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def new_cache(folder: Path) -> Path:
    """A cache without what was found clean; the definitions in it are as they are everywhere."""
    definitions = cached("definitions", "").parent
    definitions.mkdir(parents=True, exist_ok=True)
    folder.mkdir()
    (folder / "definitions").symlink_to(definitions)
    return folder


def synthesise_apart(folder: Path, *arguments: Any) -> CloudAssembly:
    done = run_app(folder, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return CloudAssembly(folder)


def synthesise(
    folder: Path,
    context: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> CloudAssembly:
    """What `run_app` makes, in this process: its CDK starts only once."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        app.main(outdir=str(folder), context={**SETTLED, **(context or {})})
    return CloudAssembly(folder)


Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(scope="session")
def assembly(once: Once) -> CloudAssembly:
    """All environments."""
    return CloudAssembly(once("cdk.out", synthesise_apart))


@pytest.fixture(scope="session")
def wide(once: Once, tmp_path_factory: pytest.TempPathFactory) -> CloudAssembly:
    """Dev with three hosts of two workers each, and another hash seed; what was found clean is kept
    beside it.
    """
    elsewhere = {"TMPDIR": str(tmp_path_factory.mktemp("elsewhere")), "PYTHONHASHSEED": "3"}

    def fill(folder: Path) -> None:
        kept = {"SHARDWISE_CACHE": str(new_cache(folder / "kept"))}
        synthesise_apart(folder / "cdk.out", WIDE, {**elsewhere, **kept})

    return CloudAssembly(once("wide", fill) / "cdk.out")


@pytest.fixture(scope="session")
def options(once: Once) -> CloudAssembly:
    """Dev with every option on."""
    from tests.infra.options import CONTEXT

    context = {"environment": "dev", **CONTEXT}
    return CloudAssembly(once("options", lambda folder: synthesise(folder, context)))


@pytest.fixture(scope="session")
def steady(once: Once, tmp_path_factory: pytest.TempPathFactory) -> CloudAssembly:
    """Dev without spare capacity, starting from given weights."""
    settings = tmp_path_factory.mktemp("settings")
    (settings / "dev.toml").write_text(
        '[training]\nmanaged_spot = false\nweights_uri = "s3://our-weights/small/cnn.keras"\n'
    )
    only = ({"environment": "dev"}, {"SHARDWISE_ENVIRONMENTS": str(settings)})
    return CloudAssembly(once("steady", lambda folder: synthesise(folder, *only)))


@pytest.fixture(scope="session")
def ways(once: Once, tmp_path_factory: pytest.TempPathFactory) -> CloudAssembly:
    """Environments whose records reach training's hosts in other ways than by default."""
    settings = tmp_path_factory.mktemp("settings")
    for environment, lines in WAYS.items():
        (settings / f"{environment}.toml").write_text("\n".join(("[training]", *lines, "")))
    only = ({}, {"SHARDWISE_ENVIRONMENTS": str(settings)})
    return CloudAssembly(once("ways", lambda folder: synthesise(folder, *only)))


@pytest.fixture(scope="session")
def run() -> Callable[..., subprocess.CompletedProcess[str]]:
    return run_app


@pytest.fixture(scope="session")
def synth() -> Callable[..., CloudAssembly]:
    return synthesise
