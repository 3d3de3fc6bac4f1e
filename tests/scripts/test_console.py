import io
import os
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError
from rich.console import Console

from scripts.console import CommandError, complain, counted, progress, run, shown, warn


def raising(error: BaseException) -> int:
    def work(_console: Console) -> int:
        raise error

    return run(work)


def test_a_commands_own_status_is_the_exit_status() -> None:
    assert run(lambda _console: 7) == 7


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (CommandError("What is wrong."), 1, "What is wrong."),
        (KeyboardInterrupt(), 130, "Interrupted."),
        (KeyboardInterrupt("Interrupted: it goes on."), 130, "Interrupted: it goes on."),
        (NoCredentialsError(), 1, "No AWS credentials or region are set"),
        (EndpointConnectionError(endpoint_url="http://x"), 1, "Nothing answers at http://x"),
        (
            ClientError({"Error": {"Code": "AccessDenied", "Message": "No"}}, "PutObject"),
            1,
            "AWS refused PutObject: No (AccessDenied).",
        ),
    ],
)
def test_a_failure_is_one_line_and_a_status(
    error: BaseException, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert raising(error) == status
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    code = (
        "import sys; from scripts.console import run\n"
        "sys.exit(run(lambda c: [c.print('x' * 99) for _ in range(9999)] and 0))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout and process.stderr
    process.stdout.read(10)
    process.stdout.close()

    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 1


@pytest.mark.parametrize(("total", "lines"), [(1000, 10), (3, 3), (0, 0)])
def test_progress_in_a_pipe_is_a_few_plain_lines(
    console: Console, output: io.StringIO, total: int, lines: int
) -> None:
    with progress(console, "Uploaded", total) as done:
        for _ in range(total):
            done()

    said = output.getvalue().splitlines()
    assert len(said) == lines
    if total:
        assert said[-1] == f"Uploaded: {total} of {total}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cat", "cat"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[2Jgone\r", "\\x1b[2Jgone\\r"),
        ("a\u2028b\u0085c", "a\\u2028b\\x85c"),
        ("gpj.\u202etac", "gpj.\\u202etac"),
        ("Katze 猫 ‌é 👩‍🚀", "Katze 猫 ‌é 👩‍🚀"),
        (os.fsdecode(b"\xff.jpg"), "\\xff.jpg"),
    ],
)
def test_a_name_is_shown_in_one_line_whatever_is_in_it(name: str, said: str) -> None:
    assert shown(name) == said


def test_a_complaint_gives_no_orders_to_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    complain("The drop \x1b]0;title\x07 is none.")
    warn("The drop \x1b[31m is none.")

    told = capsys.readouterr().err
    assert "\x1b" not in told
    assert "\\x1b]0;title\\x07" in told


def test_one_thing_is_said_in_the_singular() -> None:
    assert counted(1, "class", "classes") == "1 class"
    assert counted(0, "class", "classes") == "0 classes"
    assert counted(2, "image") == "2 images"
