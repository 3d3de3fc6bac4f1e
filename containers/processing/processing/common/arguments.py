"""Argument types of the steps; a wrong argument is a UserError and not argparse's exit."""

import argparse
from collections.abc import Iterator, Sequence
from typing import NoReturn

from processing.common.container import UserError


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are UserErrors."""

    def __init__(self, step: str) -> None:
        super().__init__(prog=step, allow_abbrev=False)

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str], namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Arguments as the steps give them, option by option with its value: whatever it is, it is
        taken for no option.
        """
        return super().parse_args([*_joined(args)], namespace)

    def error(self, message: str) -> NoReturn:
        """Raises UserError in place of an exit."""
        raise UserError(f"{self.prog} was started with a wrong argument: {message}.")


def _joined(arguments: Sequence[str]) -> Iterator[str]:
    """`--option value` as `--option=value`."""
    waiting = iter(arguments)
    for argument in waiting:
        value = next(waiting, None) if argument.startswith("--") and "=" not in argument else None
        yield argument if value is None else f"{argument}={value}"


def fraction(text: str) -> float:
    """A number above 0 and below 1."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} must be above 0 and below 1")
    return value


def share(text: str) -> float:
    """A number from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} must be from 0 to 1")
    return value


def at_least_one(text: str) -> int:
    """A whole number of 1 or more."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} must be 1 or more")
    return value


def percentage(text: str) -> int:
    """A whole number from 1 to 100."""
    value = int(text)
    if not 1 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text} must be from 1 to 100")
    return value
