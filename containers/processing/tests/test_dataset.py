"""How class labels become numbers."""

from hypothesis import given
from hypothesis import strategies as st

from drops.names import class_label
from processing.manifests.dataset import encode_labels

folders = st.text(min_size=1)
labels = st.sets(folders.map(class_label))


@given(st.lists(labels))
def test_a_label_keeps_its_number_through_any_sequence_of_runs(runs):
    known = []
    for found in runs:
        encoded = encode_labels([known], found)
        assert encoded[: len(known)] == known
        assert sorted(encoded) == sorted({*known, *found})
        assert encoded[len(known) :] == sorted(encoded[len(known) :])
        known = encoded


@given(st.lists(folders, unique_by=class_label), labels)
def test_labels_of_runs_that_did_not_normalise_keep_their_numbers(known, found):
    encoded = encode_labels([known], found)
    assert encoded[: len(known)] == [class_label(label) for label in known]
    assert encoded[len(known) :] == sorted(found - set(encoded[: len(known)]))
