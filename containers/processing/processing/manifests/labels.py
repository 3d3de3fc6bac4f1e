"""How class labels are encoded as numbers."""

from collections.abc import Iterable, Sequence

from drops.names import class_label


def encode_labels(earlier: Iterable[Sequence[str]], found: Iterable[str]) -> list[str]:
    """All labels; the index of one is its encoded label.

    earlier: of earlier runs, the oldest first. A label keeps the index it has there for ever, even
    when no object has it any more, so that models stay comparable; new ones follow in sorted
    order. Where runs overlapped and each gave an index to a label of its own, the older one's
    stays. Earlier runs had labels as the folders were written, in NFC or NFD: one that was in NFD
    alone is now in NFC, with its index.
    """
    labels: dict[str, None] = {}
    for known in earlier:
        labels |= {
            label if class_label(label) in known else class_label(label): None for label in known
        }
    return [*labels, *sorted(set(found) - labels.keys())]
