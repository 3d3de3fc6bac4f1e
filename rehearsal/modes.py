"""The ways in which a rehearsal can be less kind: what AWS does at times, and not always."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import wraps
from typing import Any

import click


def _mode(
    text: str, off: float | bool = False, unkind: float | bool = True, metavar: str | None = None
) -> Any:
    """A field of `Modes`.

    Args:
        off: its value where it is not asked for.
        unkind: its value where all modes are asked for, by `--unkind`.
        metavar: of a number, what it counts.
    """
    return field(default=off, metadata={"unkind": unkind, "help": text, "metavar": metavar})


@dataclass(frozen=True)
class Modes:
    """Each field is a flag of `./scripts/local-aws start`, `./scripts/rehearse` and `python -m
    rehearsal serve`: `late_metrics` is `--late-metrics SECONDS`. docs/rehearsal.md has their table.
    """

    late_metrics: float = _mode(
        "CloudWatch has metrics of endpoints that many seconds late, and alarms see them so",
        0.0,
        120.0,
        "SECONDS",
    )
    late_names: float = _mode(
        "the hosts of a job, algo-1 …, resolve that many seconds after its containers start",
        0.0,
        20.0,
        "SECONDS",
    )
    access_logs: float = _mode(
        "S3 writes server access logs, that many seconds after the requests that they tell of",
        0.0,
        5.0,
        "SECONDS",
    )
    unseen_rollbacks: bool = _mode(
        "CloudFormation reports that an endpoint was updated though SageMaker took the update back",
    )
    oci_images: bool = _mode(
        "images are built as by Docker's containerd store: with OCI manifests, but for "
        "--output type=docker",
    )
    lower_case_arns: bool = _mode("the ARNs of jobs have the jobs' names in lower case")
    dead_interface: bool = _mode(
        "the hosts of training jobs and isolated processing jobs have a second network interface, "
        "with a link-local address, which leads nowhere",
    )
    shorter_waits: float = _mode(
        "an endpoint's update waits so many times shorter than its deployment configuration says, "
        "which only saves time",
        1.0,
        1.0,
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


def mode_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--unkind` and a flag for each of `Modes` to a click command, which gets `modes`."""

    @wraps(command)
    def with_modes(*arguments: Any, unkind: bool, **given: Any) -> Any:
        base = UNKIND if unkind else Modes()
        asked = {each.name: given.pop(each.name) for each in fields(Modes)}
        named = {name: value for name, value in asked.items() if value is not None}
        return command(*arguments, modes=replace(base, **named), **given)

    decorated: Callable[..., Any] = with_modes
    for each in reversed(fields(Modes)):
        decorated = _option(each.name, each.metadata)(decorated)
    return click.option(
        "--unkind",
        is_flag=True,
        help="as AWS is at times (docs/rehearsal.md): all of the following; a flag of one beside "
        "it, e.g. `--unkind --late-metrics 10`, wins",
    )(decorated)


def _option(name: str, about: Mapping[str, Any]) -> Callable[[Callable[..., Any]], Any]:
    flag = _flag(name)
    if about["metavar"] is None:
        return click.option(f"{flag}/--no-{flag[2:]}", default=None, help=about["help"])
    return click.option(
        flag,
        type=_number,
        metavar=about["metavar"],
        help=f"{about['help']} (with --unkind: {about['unkind']:g})",
    )


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise click.BadParameter(f"{text!r} is no number of at least 0")
    return number
