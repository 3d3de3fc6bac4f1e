"""`./scripts/drift` where there is no comparison; where there is one, see tests/infra/drift."""

import boto3
import pytest

from scripts.commands.drift import main
from scripts.console import CommandError
from scripts.lineages.answers import started_by


def test_where_nothing_was_compared_it_says_what_to_set(
    session: boto3.Session, environment, deploy_outputs, console
) -> None:
    session.client("s3").create_bucket(Bucket=f"{environment}-artifacts")
    deploy_outputs("data", ArtifactsBucketName=f"{environment}-artifacts")
    with pytest.raises(CommandError, match=r"\[drift\] every_hours and \[endpoint\] capture_perc"):
        main.execute(["--environment", environment], console)


def test_where_nothing_compares_it_cannot_be_told_to(
    session: boto3.Session, environment, deploy_outputs, console
) -> None:
    deploy_outputs("operations", TopicArn="arn")
    with pytest.raises(CommandError, match=f"Nothing compares in {environment}: "):
        main.execute(["--environment", environment, "--now"], console)


def test_a_lineage_says_whether_a_drop_or_drift_started_it() -> None:
    assert started_by({"drop_id": "d1"}) == "the drop d1"
    assert started_by({"drop_id": "drift/group/3"}) == "drift of the answers of group/3"
