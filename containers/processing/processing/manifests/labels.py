"""How class labels are encoded as numbers."""

from collections.abc import Iterable, Sequence


def encode_labels(earlier: Iterable[Sequence[str]], found: Iterable[str]) -> list[str]:
    """All labels; the index of one is its encoded label.

    earlier: of earlier runs, the oldest first. A label keeps the index it has there for ever, even
    when no object has it any more, so that models stay comparable; new ones follow in sorted
    order. Where runs overlapped and each gave an index to a label of its own, the older one's
    stays.
    """
    labels: dict[str, None] = {}
    for known in earlier:
        labels |= dict.fromkeys(known)
    return [*labels, *sorted(set(found) - labels.keys())]
