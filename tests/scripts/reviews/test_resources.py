"""What becomes of a bucket's objects when the resource goes that empties it."""

from pathlib import Path
from typing import Any

import pytest

from infra.names import EMPTIED_TAG
from scripts.reviews.comparison import Comparison
from scripts.reviews.policy import load
from scripts.reviews.review import review
from scripts.reviews.stacks import Stacks

POLICY = load(Path(__file__).resolve().parents[3] / "review.toml")
TAGGED = {"Tags": [{"Key": EMPTIED_TAG, "Value": "true"}]}
EMPTIER = {"Type": "Custom::EmptyBucket", "Properties": {"BucketName": {"Ref": "Drops"}}}


def bucket(policy: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {"Type": "AWS::S3::Bucket", "DeletionPolicy": policy, "Properties": properties}


def side(**resources: dict[str, Any]) -> Stacks:
    return Stacks("side", {"data": {"Resources": resources}})


@pytest.mark.parametrize(
    ("after", "is_lost"),
    [
        (side(Drops=bucket("Retain", {})), False),
        (side(Drops=bucket("Delete", TAGGED)), True),
        (side(), True),
    ],
    ids=["kept from now on", "the tag stays", "the bucket goes"],
)
def test_its_objects_are_lost_with_the_bucket_or_by_the_tag(after, is_lost):
    before = side(Drops=bucket("Delete", TAGGED), Emptier=EMPTIER)
    names = {finding.name for finding in review(Comparison("dev", before, after), POLICY).findings}
    assert ("data-loss" in names) is is_lost
