"""The ways in which a rehearsal can be less kind: what AWS does at times, and not always."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


def _mode(off: float | bool, unkind: float | bool, text: str, metavar: str | None = None) -> Any:
    """A field of `Modes`.

    Args:
        off: its value where it is not asked for.
        unkind: its value where all modes are asked for, by `--unkind`.
        metavar: of a number, what it counts.
    """
    about = {"unkind": unkind, "help": text, "metavar": metavar}
    return field(default=off, metadata=about)


@dataclass(frozen=True)
class Modes:
    """Each field is a flag of `./scripts/local-aws start`, `./scripts/rehearse` and `python -m
    rehearsal serve`: `late_metrics` is `--late-metrics SECONDS`. docs/rehearsal.md has their table.
    """

    late_metrics: float = _mode(
        0.0,
        120.0,
        "CloudWatch has metrics of endpoints that many seconds late, and alarms see them so",
        "SECONDS",
    )
    late_names: float = _mode(
        0.0,
        20.0,
        "the hosts of a job, algo-1 …, resolve that many seconds after its containers start",
        "SECONDS",
    )
    access_logs: float = _mode(
        0.0,
        5.0,
        "S3 writes server access logs, that many seconds after the requests that they tell of",
        "SECONDS",
    )
    unseen_rollbacks: bool = _mode(
        False,
        True,
        "CloudFormation reports that an endpoint was updated though SageMaker took the update back",
    )
    oci_images: bool = _mode(
        False,
        True,
        "images are built as by Docker's containerd store: with OCI manifests, but for "
        "--output type=docker",
    )
    lower_case_arns: bool = _mode(
        False,
        True,
        "the ARNs of jobs have the jobs' names in lower case",
    )
    dead_interface: bool = _mode(
        False,
        True,
        "the hosts of training jobs and isolated processing jobs have a second network interface, "
        "with a link-local address, which leads nowhere",
    )
    shorter_waits: float = _mode(
        1.0,
        1.0,
        "an endpoint's update waits so many times shorter than its deployment configuration says, "
        "which only saves time",
        "TIMES",
    )

    def flags(self) -> list[str]:
        """The flags that ask for these modes."""
        flags: list[str] = []
        for each in fields(self):
            value = getattr(self, each.name)
            if value is True:
                flags.append(_flag(each.name))
            elif value is not False and value != each.default:
                flags += [_flag(each.name), str(value)]
        return flags


UNKIND = Modes(**{each.name: each.metadata["unkind"] for each in fields(Modes)})
"""All modes on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--unkind` and a flag for each mode; `from_arguments` reads them."""
    group = parser.add_argument_group("a rehearsal that is less kind (docs/rehearsal.md)")
    group.add_argument(
        "--unkind",
        action="store_true",
        help="all of these; a flag of one beside it, e.g. `--unkind --late-metrics 10`, wins",
    )
    for each in fields(Modes):
        about = each.metadata
        if about["metavar"] is None:
            group.add_argument(
                _flag(each.name), action=argparse.BooleanOptionalAction, help=about["help"]
            )
        else:
            group.add_argument(
                _flag(each.name),
                type=_number,
                metavar=about["metavar"],
                help=f"{about['help']} (with --unkind: {about['unkind']:g})",
            )


def from_arguments(given: argparse.Namespace) -> Modes:
    """What was asked for, of arguments of a parser with `add_arguments`."""
    return chosen(given.unkind, {each.name: getattr(given, each.name) for each in fields(Modes)})


def chosen(unkind: bool, asked: Mapping[str, Any]) -> Modes:
    """Those that are asked for by name, and beside them all or none.

    Args:
        unkind: whether all are on that are not asked for.
        asked: a value for each field of `Modes`; None where it is not asked for.
    """
    base = UNKIND if unkind else Modes()
    return Modes(
        **{name: getattr(base, name) if value is None else value for name, value in asked.items()}
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of at least 0")
    return number
