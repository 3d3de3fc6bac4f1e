"""Modes on command lines, and how they get to the server."""

from dataclasses import fields

import click
import pytest

from rehearsal.modes import UNKIND, Modes, mode_options


@click.command()
@mode_options
def command(modes):
    return modes


def parsed(*words):
    return command.main(list(words), standalone_mode=False)


def test_nothing_is_unkind_that_was_not_asked_for():
    assert parsed() == Modes()


def test_unkind_turns_every_mode_on_but_the_one_that_only_saves_time():
    kind, unkind = Modes(), parsed("--unkind")
    assert unkind == UNKIND
    alike = {e.name for e in fields(Modes) if getattr(kind, e.name) == getattr(unkind, e.name)}
    assert alike == {"shorter_waits"}


def test_a_flag_of_one_mode_wins_over_unkind():
    assert parsed("--unkind", "--late-metrics", "3").late_metrics == 3
    assert parsed("--late-metrics", "3", "--unkind").late_metrics == 3
    assert parsed("--unkind", "--late-metrics", "0").late_metrics == 0


@pytest.mark.parametrize("wanted", [Modes(), UNKIND, Modes(late_metrics=0.5)])
def test_flags_ask_for_what_they_were_made_of(wanted):
    assert parsed(*wanted.flags()) == wanted


@pytest.mark.parametrize("number", ["-1", "inf", "nan", "soon"])
def test_a_number_that_is_none_is_refused(number):
    with pytest.raises(click.UsageError, match="is no number of at least 0"):
        parsed(f"--late-metrics={number}")
