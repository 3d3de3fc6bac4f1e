"""Pages of lists that change between one page and the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rehearsal.api.dispatch import Api
from rehearsal.errors import ApiError
from rehearsal.events import Events
from rehearsal.pipelines.metrics import ExecutionMetrics
from rehearsal.resources import pipeline_executions
from rehearsal.resources.context import Context
from rehearsal.settings import RehearsalSettings
from rehearsal.store import Store

ARN = "arn:aws:sagemaker:us-east-1:000000000000:pipeline/p/execution/abcdefghijkl"
ASKED = {"PipelineExecutionArn": ARN, "MaxResults": 2}


class Listed:
    """The API with one execution, to which steps are added by name."""

    def __init__(self, state: Path, store: Store) -> None:
        events, metrics = Events(store, lambda *_: None), ExecutionMetrics(lambda *_: None)
        self.api = Api(Context(RehearsalSettings(state, state, 1), store, events, metrics))
        store.add(pipeline_executions.KIND.kind, ARN, ARN, {}, "pipeline")

    def add(self, *names: str) -> None:
        for name in names:
            self.api.record_step(ARN, {"StepName": name, "StepStatus": "Executing"})

    def page(self, **more: str) -> tuple[list[str], str]:
        answer = self.api.call("ListPipelineExecutionSteps", ASKED | more)
        names = [step["StepName"] for step in answer["PipelineExecutionSteps"]]
        return names, answer.get("NextToken", "")


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Listed]:
    with closing(Store(tmp_path / "store.sqlite")) as store:
        yield Listed(tmp_path, store)


def test_a_page_of_steps_repeats_none_when_steps_were_added(listed: Listed) -> None:
    listed.add("a", "b", "c", "d")

    first, token = listed.page()
    listed.add("e", "f", "g")
    second, last = listed.page(NextToken=token)

    assert (first, second, last) == (["d", "c"], ["b", "a"], "")


def test_the_oldest_first_shows_the_steps_that_were_added(listed: Listed) -> None:
    listed.add("a", "b", "c")

    first, token = listed.page(SortOrder="Ascending")
    listed.add("d", "b")  # What is told of b anew leaves it where it is.
    second, last = listed.page(SortOrder="Ascending", NextToken=token)

    assert (first, second, last) == (["a", "b"], ["c", "d"], "")


@pytest.mark.parametrize("token", ["MQ==", "e30=", "W10=", "none", "WzEsIDIsIG51bGxd"])
def test_a_token_that_nobody_gave_is_refused(listed: Listed, token: str) -> None:
    with pytest.raises(ApiError, match="none that this operation gave"):
        listed.page(NextToken=token)
