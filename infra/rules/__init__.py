"""Rules of our own: of the pipeline's definition, and of templates where the scanners are blind.

Pure functions over what a synthesis wrote; nothing of the CDK is imported.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Problems = Iterable[tuple[str, str]]
"""(path, wrong) of a subject, as a finding has them."""


@dataclass(frozen=True, order=True)
class Finding:
    """One thing that a rule does not allow.

    Attributes:
        subject: a step's name, `pipeline` for the whole definition, or `<unit>/<logical id>` of a
            resource.
        rule: name of the rule.
        path: the argument or property that is wrong, e.g. `ResourceConfig.VolumeKmsKeyId`.
        wrong: what is wrong, and after a colon what to do; no full stop.
    """

    subject: str
    rule: str
    path: str
    wrong: str

    @property
    def sentence(self) -> str:
        """Where, which rule, what is wrong and what to do."""
        where = f"{self.subject} ({self.path})" if self.path else self.subject
        return f"{where} breaks the rule {self.rule}: {self.wrong}."


def findings(subject: str, problems: Mapping[str, Problems]) -> Iterator[Finding]:
    """The findings of one subject, whose problems are given by rule."""
    for rule, found in problems.items():
        for path, wrong in found:
            yield Finding(subject, rule, path, wrong)
