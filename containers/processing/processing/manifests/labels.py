"""How class labels are encoded as numbers."""

from collections.abc import Iterable, Sequence


def encode_labels(earlier: Sequence[str], found: Iterable[str]) -> list[str]:
    """All labels; the index of one is its encoded label.

    An earlier label keeps its index for ever, even when no object has it any more, so that
    models stay comparable; new ones follow in sorted order.
    """
    return [*earlier, *sorted(set(found) - set(earlier))]
