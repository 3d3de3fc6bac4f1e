"""docs/deploying.md, command by command, in an empty account."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest

from rehearsal import lifecycle
from scripts.images.data_sets import write_digits
from tests.chain.conftest import REPOSITORY, UNKIND

pytestmark = pytest.mark.chain

PAGE = REPOSITORY / "docs" / "deploying.md"
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.M)


@pytest.fixture
def aws(tmp_path):
    """The variables that lead to an empty account."""
    state = ("--state", str(tmp_path / "aws"))
    subprocess.run(["./scripts/local-aws", "start", *state, *UNKIND], cwd=REPOSITORY, check=True)
    yield lifecycle.variables(tmp_path / "aws")
    subprocess.run(["./scripts/local-aws", "stop", *state], cwd=REPOSITORY, check=True)


@pytest.fixture
def checkout(tmp_path):
    """A copy of the project with the images that the page drops."""
    copy = tmp_path / "shardwise"
    copy.mkdir()
    for name in ("infra", "functions", "containers", "scripts", "rehearsal"):
        shutil.copytree(REPOSITORY / name, copy / name)
    for file in REPOSITORY.iterdir():
        if file.is_file():
            shutil.copy(file, copy / file.name)
    for name in (".venv", "node_modules"):
        (copy / name).symlink_to(REPOSITORY / name)
    write_digits(copy / "my-images", 0, 600)
    image = sorted((copy / "my-images" / "7").iterdir())[0]
    shutil.copy(image, image.with_name("00007.png"))
    return copy


def test_each_command_of_the_page_succeeds(aws, checkout):
    for block in BLOCKS:
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", block],
            cwd=checkout,
            env=os.environ | aws,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=800,
        )
        assert done.returncode == 0, done.stdout
