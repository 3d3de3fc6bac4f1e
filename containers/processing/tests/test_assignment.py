"""Channels of contents, for any dataset."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from processing.channels import CHANNELS
from processing.container import UserError
from processing.manifests.assignment import Split, assign_channels, count_channels


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


CONTENTS = [digest(str(number)) for number in range(60)]
contents = st.sets(st.sampled_from(CONTENTS), max_size=60)


@st.composite
def a_dataset(draw):
    """Up to three classes of 12 to 40 contents of their own, and some that classes share."""
    classes = {}
    for label in draw(st.sets(st.sampled_from(["cat", "dog", "eel"]))):
        start, count = draw(st.integers(0, 30)), draw(st.integers(12, 40))
        own = {digest(f"{label}{number}") for number in range(start, start + count)}
        classes[label] = own | draw(st.sets(st.sampled_from(CONTENTS), max_size=5))
    return classes


datasets = a_dataset()
fractions = st.floats(0.01, 0.45)
splits = st.builds(Split, fractions, fractions, st.integers(1, 4), st.integers(0, 5))
known = [*CONTENTS, *(digest(f"cat{number}") for number in range(20))]
memberships = st.dictionaries(st.sampled_from(known), st.sampled_from(CHANNELS))

SPLIT = Split(validation_fraction=0.2, test_fraction=0.1, minimum=1, seed=3)


def assigned(classes, earlier, split):
    try:
        return assign_channels(classes, earlier, split)
    except UserError:
        assume(False)


@given(datasets, memberships, splits)
def test_every_content_is_in_exactly_one_channel_and_every_class_has_its_minimum(
    classes, earlier, split
):
    channels = assigned(classes, earlier, split)
    assert channels.keys() == set().union(*classes.values())
    for held in classes.values():
        assert min(count_channels(held, channels).values()) >= split.minimum


@given(datasets, memberships, splits)
def test_a_content_that_had_a_channel_keeps_it(classes, earlier, split):
    channels = assigned(classes, earlier, split)
    assert all(channels[c] == earlier[c] for c in channels.keys() & earlier.keys())


@given(datasets, datasets, splits, splits)
def test_what_was_removed_and_comes_back_under_any_label_has_its_old_channel(
    first, second, split, other
):
    before = assigned(first, {}, split)
    other = replace(other, minimum=split.minimum)
    without = assigned(second, before, other)
    again = assign_channels(first, {**before, **without}, other)
    assert again == before


@given(datasets, splits)
def test_new_classes_with_three_times_the_minimum_of_their_own_are_never_refused(classes, split):
    channels = assign_channels(classes, {}, split)
    for held in classes.values():
        assert min(count_channels(held, channels).values()) >= split.minimum


@given(contents, splits)
def test_a_class_with_fewer_contents_than_all_channels_want_is_refused(held, split):
    assume(len(held) < 3 * split.minimum)
    with pytest.raises(UserError, match='Class "cat" is too small'):
        assign_channels({"cat": held}, {}, split)


@given(datasets, contents, splits)
def test_another_class_changes_nothing_for_the_others(classes, held, split):
    others = {digest(f"yak{number}") for number in range(12)} | {digest(f"yak{c}") for c in held}
    before = assign_channels(classes, {}, split)
    after = assign_channels({**classes, "yak": others}, {}, split)
    assert before.items() <= after.items()


@given(st.integers(0, 1000))
def test_contents_are_moved_only_where_a_class_is_short(seed):
    split = replace(SPLIT, seed=seed, minimum=2)
    plain = assigned({"cat": set(CONTENTS)}, {}, replace(split, minimum=1))
    counts = count_channels(set(CONTENTS), plain)
    assume(min(counts.values()) >= 2)
    assert assign_channels({"cat": set(CONTENTS)}, {}, split) == plain


def test_the_fractions_are_met_where_there_is_much_data():
    many = {digest(f"many {number}") for number in range(20_000)}
    counts = count_channels(many, assign_channels({"cat": many}, {}, SPLIT))
    assert abs(counts["validation"] / 20_000 - 0.2) < 0.01
    assert abs(counts["test"] / 20_000 - 0.1) < 0.01


def test_another_seed_gives_another_split():
    held = {"cat": set(CONTENTS)}
    assert assign_channels(held, {}, SPLIT) != assign_channels(held, {}, replace(SPLIT, seed=4))


def test_a_class_whose_old_contents_fill_one_channel_gets_the_others_from_new_ones():
    old = dict.fromkeys(CONTENTS[:30], "train")
    held = {"cat": set(CONTENTS[:34])}
    channels = assign_channels(held, old, replace(SPLIT, minimum=2))
    assert count_channels(held["cat"], channels) == {"train": 30, "validation": 2, "test": 2}
    with pytest.raises(UserError, match=r"channel validation wants 2 .* and has 1, of 33"):
        assign_channels({"cat": set(CONTENTS[:33])}, old, replace(SPLIT, minimum=2))
