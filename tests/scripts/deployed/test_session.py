import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.settings import ANNOUNCEMENT, LOCK
from scripts.console import CommandError
from scripts.deployed.session import CHOICES, REHEARSAL_VARIABLES, aws_session, poll_seconds

VARIABLES = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4599",
    "AWS_ACCESS_KEY_ID": "rehearsal",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_REGION": "eu-west-1",
}


@pytest.fixture(autouse=True)
def no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in {*CHOICES, *REHEARSAL_VARIABLES, "AWS_DEFAULT_REGION"}:
        # Set first, so that what aws_session sets is undone after the test.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "example.org")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """The state folder of a rehearsal that runs: this process holds its lock."""
    announced = {**VARIABLES, "pid": os.getpid(), "cache": str(tmp_path)}
    (tmp_path / ANNOUNCEMENT).write_text(json.dumps(announced))
    with (tmp_path / LOCK).open("w") as lock:
        lock.write(str(os.getpid()))
        lock.flush()
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield tmp_path


def test_a_running_rehearsal_is_used_and_named(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = aws_session(state)

    credentials = session.get_credentials()
    assert credentials is not None
    assert (session.region_name, credentials.access_key) == ("eu-west-1", "rehearsal")
    assert session.client("s3").meta.endpoint_url == "http://127.0.0.1:4599"
    assert capsys.readouterr().err == "Talking to the rehearsal at http://127.0.0.1:4599.\n"
    assert poll_seconds() < 1


def test_a_rehearsal_is_reached_past_the_proxies(state: Path) -> None:
    aws_session(state)

    assert os.environ["NO_PROXY"].split(",")[:2] == ["example.org", "127.0.0.1"]


def test_what_the_environment_names_comes_before_a_rehearsal(
    state: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "mine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "mine")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    session = aws_session(state)

    assert session.client("s3").meta.endpoint_url == "https://s3.eu-central-1.amazonaws.com"
    assert capsys.readouterr().err == "Talking to AWS in eu-central-1.\n"
    assert poll_seconds() > 1


def test_a_rehearsal_that_has_ended_is_not_used(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tmp_path / ANNOUNCEMENT).write_text(json.dumps({**VARIABLES, "pid": ended.pid}))
    (tmp_path / LOCK).write_text(str(ended.pid))

    with pytest.raises(CommandError, match="no rehearsal of this checkout runs"):
        aws_session(tmp_path)


def test_nothing_set_and_no_rehearsal_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"start one .* or set AWS_PROFILE and AWS_REGION"):
        aws_session(tmp_path / "none")


def test_a_damaged_file_is_one_sentence(state: Path) -> None:
    (state / ANNOUNCEMENT).write_text("{")

    with pytest.raises(CommandError, match=r"environment\.json cannot be read"):
        aws_session(state)
