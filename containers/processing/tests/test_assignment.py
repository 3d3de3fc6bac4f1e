"""Channels of contents, for any dataset."""

import hashlib
from collections import Counter
from dataclasses import replace
from itertools import count

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tests.assigned import assign

from processing.common.container import CHANNELS, UserError
from processing.manifests import contents as partitions
from processing.manifests.membership import MEMBERSHIP_SCHEMA
from processing.manifests.split import Split

fractions = st.floats(0.01, 0.45)
splits = st.builds(Split, fractions, fractions, st.integers(1, 4), st.integers(0, 5))

SPLIT = Split(validation_fraction=0.2, test_fraction=0.1, minimum=1, seed=3)


def digest(text):
    return hashlib.sha256(text.encode()).digest()


SHARED = [digest(str(number)) for number in range(60)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """A new folder each time."""
    base, number = tmp_path_factory.mktemp("assignment"), count()
    return lambda: base / str(next(number))


@pytest.fixture(autouse=True, scope="module", params=[8_192, 7])
def objects_per_partition(request):
    """In one partition, and in many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "OBJECTS_PER_PARTITION", request.param)
        yield


@st.composite
def datasets(draw):
    """Up to three classes of 12 to 40 contents of their own, and some that classes share."""
    objects = {}
    for label in draw(st.sets(st.sampled_from(["cat", "dog", "eel"]), min_size=1)):
        start, size = draw(st.integers(0, 30)), draw(st.integers(12, 40))
        own = [digest(f"{label}{number}") for number in range(start, start + size)]
        for content in own + draw(st.lists(st.sampled_from(SHARED), max_size=5)):
            objects[f"d1/{label}/{content.hex()}"] = content
    return objects


known = [*SHARED, *(digest(f"cat{number}") for number in range(20))]
memberships = st.dictionaries(st.sampled_from(known), st.sampled_from(CHANNELS))


def write_membership(folder, channels):
    folder.mkdir(parents=True)
    contents = sorted(channels)
    table = pa.table(
        {
            "sha256": pa.array(contents, pa.binary(32)),
            "channel": pa.array([channels[c] for c in contents]).cast(
                MEMBERSHIP_SCHEMA.field("channel").type
            ),
            "present": pa.array([True] * len(contents)),
            "rows": pa.array([[]] * len(contents), MEMBERSHIP_SCHEMA.field("rows").type),
        },
        schema=MEMBERSHIP_SCHEMA,
    )
    pq.write_table(table, folder / "earlier.parquet", row_group_size=10)
    return folder / "earlier.parquet"


def assigned(*arguments):
    try:
        return assign(*arguments)
    except UserError:
        assume(False)


@given(objects=datasets(), earlier=memberships, split=splits)
def test_every_content_is_in_one_channel_and_every_class_has_its_minimum(
    folders, objects, earlier, split
):
    outcome = assigned(folders(), objects, split, [write_membership(folders(), earlier)])
    assert outcome.channels.keys() == objects.keys()
    channels = outcome.by_content
    for label in {key.split("/")[1] for key in objects}:
        held = {content for key, content in objects.items() if key.split("/")[1] == label}
        counts = Counter(channels[content] for content in held)
        assert outcome.counts(label) == {channel: counts[channel] for channel in CHANNELS}
        assert min(outcome.counts(label).values()) >= split.minimum


@given(objects=datasets(), earlier=memberships, split=splits)
def test_a_content_that_had_a_channel_keeps_it(folders, objects, earlier, split):
    outcome = assigned(folders(), objects, split, [write_membership(folders(), earlier)])
    channels = outcome.by_content
    assert all(channels[c] == earlier[c] for c in channels.keys() & earlier.keys())
    assert outcome.membership == {**earlier, **channels}
    assert outcome.present == set(objects.values())


@given(first=datasets(), second=datasets(), split=splits, other=splits)
def test_what_was_removed_and_comes_back_under_any_label_has_its_old_channel(
    folders, first, second, split, other
):
    before = assigned(folders(), first, split)
    other = replace(other, minimum=split.minimum)
    without = assigned(folders(), second, other, [before.membership_path])
    again = assign(folders(), first, other, [without.membership_path])
    assert again.by_content == before.by_content


@given(first=memberships, second=memberships, objects=datasets())
def test_where_overlapping_runs_differ_the_older_one_counts(folders, first, second, objects):
    paths = [write_membership(folders(), channels) for channels in (first, second)]
    outcome = assigned(folders(), objects, SPLIT, paths)
    channels, expected = outcome.by_content, {**second, **first}
    assert all(channels[c] == expected[c] for c in channels.keys() & expected.keys())


@given(objects=datasets(), split=splits)
def test_new_classes_with_three_times_the_minimum_of_their_own_are_never_refused(
    folders, objects, split
):
    assign(folders(), objects, split)


@given(held=st.sets(st.sampled_from(SHARED), min_size=1), split=splits)
def test_a_class_with_fewer_contents_than_all_channels_want_is_refused(folders, held, split):
    assume(len(held) < 3 * split.minimum)
    with pytest.raises(UserError, match='Class "cat" is too small'):
        assign(folders(), {f"d1/cat/{c.hex()}": c for c in held}, split)


@given(objects=datasets(), split=splits)
def test_another_class_changes_nothing_for_the_others(folders, objects, split):
    others = {f"d1/yak/{number}": digest(f"yak{number}") for number in range(12)}
    before = assigned(folders(), objects, split)
    after = assign(folders(), objects | others, split)
    assert before.channels.items() <= after.channels.items()


@given(seed=st.integers(0, 1000))
def test_contents_are_moved_only_where_a_class_is_short(folders, seed):
    objects = {f"d1/cat/{c.hex()}": c for c in SHARED}
    plain = assigned(folders(), objects, replace(SPLIT, seed=seed, minimum=1))
    assume(min(plain.counts("cat").values()) >= 2)
    filled = assign(folders(), objects, replace(SPLIT, seed=seed, minimum=2))
    assert filled.by_content == plain.by_content


def test_the_fractions_are_met_where_there_is_much_data(folders):
    many = {f"d1/cat/{number}": digest(f"many {number}") for number in range(20_000)}
    counts = assign(folders(), many, SPLIT).counts("cat")
    assert abs(counts["validation"] / 20_000 - 0.2) < 0.01
    assert abs(counts["test"] / 20_000 - 0.1) < 0.01


def test_another_seed_gives_another_split(folders):
    held = {f"d1/cat/{c.hex()}": c for c in SHARED}
    first = assign(folders(), held, SPLIT).channels
    assert first != assign(folders(), held, replace(SPLIT, seed=4)).channels


def test_a_class_whose_old_contents_fill_one_channel_gets_the_others_from_new_ones(folders):
    old = write_membership(folders(), dict.fromkeys(SHARED[:30], "train"))
    split = replace(SPLIT, minimum=2)
    held = {f"d1/cat/{number}": content for number, content in enumerate(SHARED[:34])}
    outcome = assign(folders(), held, split, [old])
    assert outcome.counts("cat") == {"train": 30, "validation": 2, "test": 2}
    del held["d1/cat/33"]
    with pytest.raises(UserError, match=r"channel validation wants 2 .* and has 1, of 33"):
        assign(folders(), held, split, [old])


def test_digests_that_begin_alike_are_different_contents(folders):
    alike = [bytes(8) + digest(str(number))[8:] for number in range(40)]
    objects = {f"d1/cat/{number}": content for number, content in enumerate(alike)}
    objects |= {f"d2/cat/{number}": content for number, content in enumerate(alike)}
    old = write_membership(folders(), dict.fromkeys(alike[:20], "train"))
    outcome = assign(folders(), objects, replace(SPLIT, minimum=3), [old])
    assert outcome.assignment.contents == 40
    assert outcome.assignment.copies.contents == 40
    assert outcome.membership.keys() == set(alike)
    assert all(outcome.by_content[content] == "train" for content in alike[:20])
    assert min(outcome.counts("cat").values()) >= 3


def test_contents_that_came_and_went_are_counted(folders):
    objects = {f"d1/cat/{number}": content for number, content in enumerate(SHARED[:30])}
    first = assign(folders(), objects, SPLIT)
    later = {f"d1/cat/{number}": content for number, content in enumerate(SHARED[10:45])}
    outcome = assign(folders(), later, SPLIT, [first.membership_path]).assignment
    assert (outcome.contents, outcome.contents_added, outcome.contents_removed) == (35, 15, 10)


@given(objects=datasets(), earlier=memberships, split=splits)
def test_each_content_names_the_rows_of_its_objects(folders, objects, earlier, split):
    outcome = assigned(folders(), objects, split, [write_membership(folders(), earlier)])
    contents = [objects[key] for key in sorted(objects, key=str.encode)]
    rows = pq.read_table(outcome.membership_path).to_pylist()
    named = {row["sha256"]: row["rows"] for row in rows if row["rows"]}
    assert named == {
        content: [row for row, other in enumerate(contents) if other == content]
        for content in set(contents)
    }
