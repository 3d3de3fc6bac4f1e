"""How class labels become numbers."""

from hypothesis import given
from hypothesis import strategies as st

from processing.manifests.labels import encode_labels

labels = st.sets(st.text(min_size=1))


@given(st.lists(labels))
def test_a_label_keeps_its_number_through_any_sequence_of_runs(runs):
    known = []
    for found in runs:
        encoded = encode_labels([known], found)
        assert encoded[: len(known)] == known
        assert sorted(encoded) == sorted({*known, *found})
        assert encoded[len(known) :] == sorted(encoded[len(known) :])
        known = encoded
