"""Which findings block: `review.toml` at the top of the repository."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from scripts.console import CommandError

# Name -> what it stands for.
FINDINGS = {
    "data-loss": "data is deleted, at once or sooner than before",
    "protection-loss": "data would be deleted with its stack or resource, and would not before",
    "replacement": "a resource is, or may be, replaced by a new one",
    "removal": "a resource is destroyed",
    "iam-widening": "somebody may do what nobody let them before",
    "network-exposure": "something is reachable, or reaches out, that was not or did not",
    "encryption-loss": "something is no longer encrypted, or no longer by that key",
    "cost-increase": "it costs more than the limits of [cost-increase] let it",
    "definition-unreadable": "the pipeline's definition can't be reviewed",
    "deployment-refused": "CloudFormation would refuse the deployment",
}
_LIMITS = ("usd_a_month", "usd_a_run")


@dataclass(frozen=True)
class Finding:
    """What a policy may block.

    Attributes:
        name: one of FINDINGS.
        limit: the policy's limit of the amount, `usd_a_month` or `usd_a_run`; empty for none.
    """

    name: str
    text: str
    amount: float = 0.0
    limit: str = ""


@dataclass(frozen=True)
class Verdict:
    """A finding that blocks, and why."""

    finding: Finding
    reason: str


@dataclass(frozen=True)
class Policy:
    """What blocks; limits of cost-increase are USD more, by `usd_a_month` and `usd_a_run`."""

    source: str
    block: frozenset[str] = frozenset()
    limits: Mapping[str, float] = field(default_factory=dict)

    def verdicts(self, findings: Iterable[Finding], allowed: Iterable[str]) -> tuple[Verdict, ...]:
        """The findings that block, without those that a person has allowed for once by name."""
        names = self.block - set(allowed)
        return tuple(
            Verdict(finding, f"{self.source} blocks {finding.name}: {FINDINGS[finding.name]}")
            for finding in findings
            if finding.name in names and self._is_over(finding)
        )

    def _is_over(self, finding: Finding) -> bool:
        return not finding.limit or finding.amount > self.limits.get(finding.limit, 0.0)


def load(file: Path) -> Policy:
    """Reads a policy; without the file nothing blocks. CommandError where it is no policy."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return Policy(file.name)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CommandError(f"{file} can't be read as a policy: {error}.") from error
    _known(content, ("block", "cost-increase"), file, "key")
    block = content.get("block", [])
    if not isinstance(block, list) or not all(isinstance(name, str) for name in block):
        raise CommandError(f'{file}: block is no list of findings: write block = ["data-loss"].')
    _known(block, FINDINGS, file, "finding")
    return Policy(file.name, frozenset(block), _limits(content.get("cost-increase", {}), file))


def check_allowed(names: Iterable[str]) -> None:
    """Raises CommandError for a name that no finding has."""
    _known(names, FINDINGS, Path("--allow"), "finding")


def _limits(table: Any, file: Path) -> dict[str, float]:
    if not isinstance(table, dict):
        raise CommandError(f"{file}: cost-increase is no table: write [cost-increase].")
    _known(table, _LIMITS, file, "limit")
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise CommandError(f"{file}: {key} is no amount of USD: give a number from 0.")
    return {key: float(value) for key, value in table.items()}


def _known(names: Iterable[str], known: Iterable[str], file: Path, what: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, list(known), n=1, cutoff=0.0)[0]
            raise CommandError(
                f"{file}: there is no {what} {name!r}; the nearest is {near!r} (all: "
                f"{', '.join(known)})."
            )
