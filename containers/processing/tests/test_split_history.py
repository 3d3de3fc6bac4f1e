"""The split under any history of adds, removals, renames and duplicates."""

import hashlib
from itertools import count

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from tests.assigned import assign

from processing.common.container import UserError
from processing.manifests import contents as partitions
from processing.manifests.split import Split

LABELS = ("cat", "dog")
FIRST = 12


class History(RuleBasedStateMachine):
    """A bucket that changes, and a run after each change."""

    folder = None
    numbers = count()

    @initialize(
        split=st.builds(
            Split, st.floats(0.05, 0.4), st.floats(0.05, 0.4), st.integers(1, 3), st.integers(0, 3)
        )
    )
    def begin(self, split):
        self.split, self.memberships = split, []
        self.given, self.fresh = {}, count()
        self.objects = {}
        for label in LABELS:
            self.add(label, FIRST)
        self.run()

    def name(self, label):
        return f"d1/{label}/{next(self.fresh)}"

    def add(self, label, size):
        for _ in range(size):
            name = self.name(label)
            self.objects[name] = hashlib.sha256(name.encode()).digest()

    def pick(self, data):
        return data.draw(st.sampled_from(sorted(self.objects)))

    @rule(label=st.sampled_from(LABELS), size=st.integers(1, 15))
    def contents_are_added(self, label, size):
        self.add(label, size)
        self.run()

    @rule(data=st.data(), label=st.sampled_from(LABELS))
    def an_object_is_copied_perhaps_to_another_class(self, data, label):
        self.objects[self.name(label)] = self.objects[self.pick(data)]
        self.run()

    @rule(data=st.data(), label=st.sampled_from(LABELS))
    def an_object_is_renamed_perhaps_to_another_class(self, data, label):
        key = self.pick(data)
        self.objects[self.name(label)] = self.objects.pop(key)
        self.run()

    @rule(data=st.data(), size=st.integers(1, 20))
    def objects_are_removed(self, data, size):
        for _ in range(min(size, len(self.objects) - 1)):
            del self.objects[self.pick(data)]
        self.run()

    @rule(data=st.data())
    def a_removed_content_comes_back_under_another_name(self, data):
        gone = sorted(self.given.keys() - set(self.objects.values()))
        if gone:
            content = data.draw(st.sampled_from(gone))
            self.objects[self.name(data.draw(st.sampled_from(LABELS)))] = content
            self.run()

    @rule(seed=st.integers(0, 3))
    def the_seed_changes(self, seed):
        self.split = Split(
            self.split.validation_fraction, self.split.test_fraction, self.split.minimum, seed
        )
        self.run()

    def run(self):
        folder = History.folder / str(next(History.numbers))
        try:
            outcome = assign(folder, self.objects, self.split, self.memberships)
        except UserError as error:
            assert "is too small" in str(error)
            return
        # Disjoint: by_content fails where one content has two channels. Complete: every object.
        assert outcome.channels.keys() == self.objects.keys()
        for content, channel in outcome.by_content.items():
            assert self.given.setdefault(content, channel) == channel
        self.memberships = [outcome.membership_path]


@pytest.mark.parametrize("objects_per_partition", [4, 8_192])
def test_channels_are_disjoint_complete_and_sticky_under_any_history(
    tmp_path, monkeypatch, objects_per_partition
):
    monkeypatch.setattr(partitions, "OBJECTS_PER_PARTITION", objects_per_partition)
    monkeypatch.setattr(History, "folder", tmp_path)
    run_state_machine_as_test(History, settings=settings(max_examples=30, stateful_step_count=12))
