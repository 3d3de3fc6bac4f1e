"""How a step ends: its exit code, its exit message and its log."""

from pathlib import Path

import pytest

from processing.common.arguments import Parser
from processing.common.container import UserError, run


def ended(step, tmp_path):
    code = run(step, [], tmp_path)
    message = tmp_path / "output" / "message"
    return code, message.read_text(encoding="utf-8") if message.exists() else None


def test_a_step_that_succeeds_leaves_no_message(tmp_path):
    assert ended(lambda arguments, root: None, tmp_path) == (0, None)


def test_a_user_error_is_the_exit_message_and_leaves_no_traceback(tmp_path, caplog):
    def step(arguments, root):
        raise UserError("The drop is empty: upload images.")

    assert ended(step, tmp_path) == (1, "The drop is empty: upload images.")
    assert "Traceback" not in caplog.text


def test_a_fault_of_the_program_leaves_its_traceback_in_the_log(tmp_path, caplog):
    def step(arguments, root):
        raise KeyError("channel")

    code, message = ended(step, tmp_path)
    assert (code, message) == (1, "KeyError: 'channel' (the job's log has the traceback).")
    assert "Traceback" in caplog.text


def test_a_full_disk_is_told_in_a_sentence(tmp_path):
    def step(arguments, root):
        with Path("/dev/full").open("wb", buffering=0) as full:
            full.write(b"x")

    code, message = ended(step, tmp_path)
    assert code == 1
    assert message.startswith("The disk is full")


@pytest.mark.parametrize("character", ["a", "é", "日", "𝄞"])
def test_a_long_message_is_cut_to_a_kilobyte_of_whole_characters(tmp_path, character):
    def step(arguments, root):
        raise UserError("x" + character * 2000)

    _, message = ended(step, tmp_path)
    assert 1020 < len(message.encode()) <= 1024
    assert set(message[1:]) == {character}


def test_a_value_that_looks_like_an_option_is_a_value():
    parser = Parser("Step")
    parser.add_argument("--drop-id", required=True)
    parser.add_argument("--seed", type=int, required=True)
    arguments = parser.parse_args(["--drop-id", "--seed", "--seed", "-3"])
    assert vars(arguments) == {"drop_id": "--seed", "seed": -3}
