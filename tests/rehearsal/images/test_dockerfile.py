"""What a Dockerfile makes of its last stage."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.images import dockerfile
from rehearsal.images.errors import ImageError


def write(folder: Path, text: str) -> Path:
    path = folder / "Dockerfile"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_last_stage_counts_with_what_it_builds_on(tmp_path: Path) -> None:
    recipe = dockerfile.read(
        write(
            tmp_path,
            "ARG BASE=base\nFROM python:3.11 AS base\nENV A=1\nWORKDIR /opt\nCOPY a ./\n"
            "FROM python:3.11 AS other\nENV B=2\n"
            "FROM $BASE\nWORKDIR program\nCOPY --from=other /b ./b\nCOPY c ./\n"
            'ENTRYPOINT ["python"]\nCMD ["serve"]\n',
        ),
        {},
    )

    assert recipe.workdir == "/opt/program"
    assert recipe.environment["A"] == "1"
    assert "B" not in recipe.environment
    assert [copy.sources for copy in recipe.copies] == [("a",), ("c",)]
    assert (recipe.entrypoint, recipe.command) == (("python",), ("serve",))


def test_a_build_argument_replaces_its_default(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "FROM python:3.11\nARG KIND=cpu\nENV FILE=requirements-${KIND}.txt PATH=/x:$PATH\n"
        "COPY requirements-$KIND.txt /opt/requirements.txt\n",
    )

    assert dockerfile.read(path, {}).copies[0].sources == ("requirements-cpu.txt",)
    recipe = dockerfile.read(path, {"KIND": "gpu"})
    assert recipe.copies[0].sources == ("requirements-gpu.txt",)
    assert recipe.environment["FILE"] == "requirements-gpu.txt"
    assert recipe.environment["PATH"].startswith("/x:/usr/local/sbin")


def test_files_and_folders_lie_where_docker_would_put_them(tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "package" / "deep").mkdir(parents=True)
    for name in ("one.txt", "two words.txt", "package/__init__.py", "package/deep/data"):
        (context / name).write_text(name, encoding="utf-8")
    recipe = dockerfile.read(
        write(
            context,
            "FROM python:3.11\nWORKDIR /app\nCOPY one.txt renamed.txt\nCOPY one.txt folder/\n"
            'COPY ["two words.txt", "one.txt", "/srv/"]\nCOPY --chown=1:1 package ./package\n'
            "COPY *.txt globbed/\n",
        ),
        {},
    )
    root = tmp_path / "root"

    dockerfile.lay_out(recipe, context, root)

    assert {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()} == {
        "app/renamed.txt",
        "app/folder/one.txt",
        "srv/two words.txt",
        "srv/one.txt",
        "app/package/__init__.py",
        "app/package/deep/data",
        "app/globbed/one.txt",
        "app/globbed/two words.txt",
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ENV A=1\n", "there is no FROM"),
        ("FROM python:3.11\nADD https://example.com/a /a\n", "reads COPY only"),
        ("FROM python:3.11\nENTRYPOINT python -m program\n", "is no JSON list"),
        ("FROM python:3.11\nCOPY missing /opt/\n", "no such file in the build context"),
        ("FROM python:3.11\nCOPY ../secret /opt/\n", "lies in the build context"),
        ("FROM python:3.11\nWORKDIR /opt/../..\n", "has '..' in it"),
    ],
)
def test_what_the_rehearsal_can_not_do_is_said_in_a_sentence(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(ImageError, match=sentence):
        recipe = dockerfile.read(write(tmp_path, text), {})
        dockerfile.lay_out(recipe, tmp_path, tmp_path / "root")
