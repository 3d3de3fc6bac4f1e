"""review.toml: what blocks, and how it is refused."""

from pathlib import Path

import pytest

from scripts.console import CommandError
from scripts.reviews.policy import FINDINGS, Finding, check_allowed, load

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def written(tmp_path: Path):
    def written(text: str) -> Path:
        file = tmp_path / "review.toml"
        file.write_text(text, "utf-8")
        return file

    return written


def test_only_what_a_policy_names_blocks_and_the_reason_names_the_policy(written) -> None:
    policy = load(written('block = ["data-loss"]'))
    lost, wider = Finding("data-loss", "the bucket"), Finding("iam-widening", "the role")
    (verdict,) = policy.verdicts([lost, wider], ())
    assert verdict.finding == lost
    assert verdict.reason.startswith("review.toml blocks data-loss: ")


def test_what_a_person_allows_does_not_block(written) -> None:
    policy = load(written('block = ["data-loss"]'))
    assert policy.verdicts([Finding("data-loss", "the bucket")], ["data-loss"]) == ()


def test_costs_block_over_their_limit_only(written) -> None:
    policy = load(written('block = ["cost-increase"]\n[cost-increase]\nusd_a_month = 50\n'))
    findings = [
        Finding("cost-increase", "more a month", 50.0, "usd_a_month"),
        Finding("cost-increase", "much more a month", 50.01, "usd_a_month"),
        Finding("cost-increase", "more a run", 0.01, "usd_a_run"),
    ]
    blocked = [verdict.finding.text for verdict in policy.verdicts(findings, ())]
    assert blocked == ["much more a month", "more a run"]


def test_without_the_file_nothing_blocks(tmp_path: Path) -> None:
    policy = load(tmp_path / "review.toml")
    assert policy.verdicts([Finding("data-loss", "the bucket")], ()) == ()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('block = ["dataloss"]', "there is no finding 'dataloss'; the nearest is 'data-loss'"),
        ('block = "data-loss"', "block is no list of findings"),
        ('blocks = ["data-loss"]', "there is no key 'blocks'; the nearest is 'block'"),
        ("[cost-increase]\nusd_month = 1", "the nearest is 'usd_a_month'"),
        ("[cost-increase]\nusd_a_month = -1", "usd_a_month is no amount of USD"),
        ("block = [", "can't be read as a policy"),
    ],
)
def test_what_is_no_policy_is_refused_in_a_sentence(written, text: str, sentence: str) -> None:
    with pytest.raises(CommandError) as refused:
        load(written(text))
    assert sentence in str(refused.value)


def test_a_finding_that_is_not_known_can_not_be_allowed() -> None:
    with pytest.raises(CommandError, match="the nearest is 'iam-widening'"):
        check_allowed(["iam-wider"])


def test_our_own_policy_blocks_data_loss_and_wider_permissions() -> None:
    policy = load(REPOSITORY / "review.toml")
    assert {"data-loss", "iam-widening"} <= policy.block <= set(FINDINGS)
