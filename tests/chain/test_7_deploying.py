"""docs/deploying.md, command by command, in the account that the tests before left empty."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.images.data_sets import write_digits

pytestmark = pytest.mark.chain

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "deploying.md"
BLOCKS = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.M)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the project with the images that the page drops."""
    copy = tmp_path_factory.mktemp("deploying") / "shardwise"
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


@pytest.mark.parametrize("block", BLOCKS)
def test_each_command_of_the_page_succeeds(rehearsed, checkout, block):
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", block],
        cwd=checkout,
        env=os.environ | rehearsed.variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout
