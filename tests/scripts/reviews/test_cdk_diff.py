"""`cdk diff` itself stays readable: what it prints of the prepared changes."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
# What the CDK CLI prints with.
PRINT = """
const { fullDiff, formatDifferences } = require("@aws-cdk/cloudformation-diff");
const [before, after] = JSON.parse(require("fs").readFileSync(0, "utf-8"));
formatDifferences(process.stdout, fullDiff(before, after));
"""
CHANGED = re.compile(r"\[[-+]\] (.*)")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def changed_lines(before: Any, after: Any) -> list[str]:
    done = subprocess.run(
        ["node", "-e", PRINT],
        cwd=REPOSITORY,
        input=json.dumps([before, after]),
        capture_output=True,
        text=True,
        check=True,
        env={"NO_COLOR": "1", "PATH": os.environ["PATH"]},
    )
    return CHANGED.findall(done.stdout)


def test_a_changed_image_shows_its_digest_and_the_file_that_changed(trees) -> None:
    old, new = trees["nothing"], trees["image changed"]
    lines = changed_lines(old["images"], new["images"])
    files = [line for line in lines if re.fullmatch(r"[0-9a-f]{16}( [0-9a-f]{16})?", line)]
    images = [line for line in lines if line.endswith('"') or "container-assets" in line]
    assert len(files) == 2
    assert len(files) + len(images) == len(lines)


def test_of_the_definition_only_what_changed_is_marked(trees) -> None:
    old, new = trees["nothing"]["training"], trees["image changed"]["training"]
    lines = changed_lines(old, new)
    assert len(lines) == 6  # three steps, before and after
    assert all("container-assets" in line for line in lines)


def test_templates_hold_no_times_and_a_comment_no_difference(trees) -> None:
    assert not TIME.search(json.dumps(trees["nothing"]))
    assert json.dumps(trees["comment only"]) == json.dumps(trees["nothing"])
