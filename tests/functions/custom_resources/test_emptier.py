import threading

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from functions.custom_resources import emptier as handler
from infra.names import EMPTIED_TAG as TAG


class Function:
    """As Lambda tells how long a function has left."""

    def get_remaining_time_in_millis(self):
        return 900_000


@pytest.fixture
def client():
    return boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


def request(kind, url, bucket="drops"):
    return {
        "RequestType": kind,
        "ResponseURL": url,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "resource",
        "PhysicalResourceId": bucket,
        "ResourceProperties": {"BucketName": bucket},
    }


class Bucket:
    """Versions in S3, page by page, as boto3's client tells them."""

    def __init__(self, versions, keeps=(), code="AccessDenied"):
        self.versions = [{"Key": f"{n:07}", "VersionId": str(n)} for n in range(versions)]
        self.written_later = []
        self.keeps = {f"{n:07}" for n in keeps}
        self._code = code
        self._lock = threading.Lock()

    def get_paginator(self, name):
        assert name == "list_object_versions"
        return self

    def paginate(self, Bucket):
        listed = list(self.versions)
        for start in range(0, max(len(listed), 1), 1000):
            half = listed[start : start + 500]
            yield {"Versions": half, "DeleteMarkers": listed[start + 500 : start + 1000]}

    def delete_objects(self, Bucket, Delete):
        assert Delete["Quiet"]
        assert len(Delete["Objects"]) <= 1000
        errors = [
            {"Key": one["Key"], "Code": self._code, "Message": "no"}
            for one in Delete["Objects"]
            if one["Key"] in self.keeps
        ]
        with self._lock:
            if self._code == "InternalError":
                self.keeps = set()
            kept = {error["Key"] for error in errors}
            gone = [one for one in Delete["Objects"] if one["Key"] not in kept]
            self.versions = [one for one in self.versions if one not in gone] + self.written_later
            self.written_later = []
        return {"Errors": errors}


def test_every_version_and_delete_marker_goes():
    bucket = Bucket(versions=2500)
    assert handler.empty(bucket, "drops", 60) == 2500
    assert bucket.versions == []


def test_an_empty_bucket_is_left_alone():
    assert handler.empty(Bucket(versions=0), "drops", 60) == 0


def test_what_is_written_meanwhile_goes_too():
    bucket = Bucket(versions=3)
    bucket.written_later = [{"Key": "late", "VersionId": "x"}]
    assert handler.empty(bucket, "drops", 60) == 4
    assert bucket.versions == []


def test_what_s3_keeps_is_an_error():
    with pytest.raises(handler.NotEmptiedError, match="0000007: no"):
        handler.empty(Bucket(versions=10, keeps=[7]), "drops", 60)


def test_what_s3_could_not_delete_at_the_moment_is_tried_again():
    bucket = Bucket(versions=10, keeps=[7], code="InternalError")
    assert handler.empty(bucket, "drops", 60) == 10
    assert bucket.versions == []


def test_a_request_that_s3_was_too_busy_for_is_made_again(monkeypatch):
    bucket = Bucket(versions=10)
    refusals = iter(["SlowDown", "ServiceUnavailable", None])
    its_own = bucket.delete_objects

    def delete_objects(**request):
        if code := next(refusals):
            raise ClientError({"Error": {"Code": code, "Message": ""}}, "DeleteObjects")
        return its_own(**request)

    monkeypatch.setattr(bucket, "delete_objects", delete_objects)
    assert handler.empty(bucket, "drops", 60) == 10
    assert bucket.versions == []


def test_what_time_was_too_short_for_goes_when_the_stack_is_destroyed_again(monkeypatch):
    bucket = Bucket(versions=20_000)
    ticks = iter(range(100))
    monkeypatch.setattr(handler.time, "monotonic", lambda: next(ticks))
    with pytest.raises(handler.NotEmptiedError, match="destroy the stack again") as error:
        handler.empty(bucket, "drops", 5)
    assert str(error.value).startswith(f"{20_000 - len(bucket.versions)} versions")
    assert 0 < len(bucket.versions) < 20_000
    left = len(bucket.versions)
    assert handler.empty(bucket, "drops", 1000) == left


def test_the_emptier_answers_before_lambda_ends_it(assembly):
    (function,) = [
        f
        for f in assembly.resources("AWS::Lambda::Function", "dev")
        if "Empties" in f["Description"]
    ]
    assert function["Timeout"] == 900


def test_no_access_logs_arrive_when_their_bucket_is_emptied(assembly):
    """A stack is taken down from what depends to what is depended on."""
    resources = assembly.template("dev", "data")["Resources"]
    (bucket,) = [
        k for k, r in resources.items() if k.startswith("AccessLogs") and is_a(r, "Bucket")
    ]
    (policy,) = [
        k
        for k, r in resources.items()
        if is_a(r, "BucketPolicy") and r["Properties"]["Bucket"] == {"Ref": bucket}
    ]
    (emptier,) = [
        k
        for k, r in resources.items()
        if r["Type"] == "Custom::EmptyBucket" and r["Properties"]["BucketName"] == {"Ref": bucket}
    ]
    assert "logging.s3.amazonaws.com" in str(resources[policy])
    assert emptier in needed_by(resources, policy)
    assert bucket in needed_by(resources, emptier)
    for name in resources:
        assert name not in needed_by(resources, name)


def is_a(resource, kind):
    return resource["Type"] == f"AWS::S3::{kind}"


def needed_by(resources, name):
    """All that is there before a resource, and until after it."""
    found, waiting = set(), {name}
    while waiting:
        resource = resources[waiting.pop()]
        new = set(named(resource, resources)) - found
        found |= new
        waiting |= new
    return found


def named(value, resources):
    match value:
        case {"DependsOn": depends, **rest}:
            yield from [depends] if isinstance(depends, str) else depends
            yield from named(rest, resources)
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]}:
            if name in resources:
                yield name
        case dict():
            for item in value.values():
                yield from named(item, resources)
        case list():
            for item in value:
                yield from named(item, resources)


def test_a_bucket_that_lost_its_tag_is_kept(client):
    with Stubber(client) as stub:
        stub.add_response("get_bucket_tagging", {"TagSet": [{"Key": "a", "Value": "true"}]})
        assert not handler.is_to_be_emptied(client, "drops", TAG)
        stub.add_client_error("get_bucket_tagging", "NoSuchTagSet")
        assert not handler.is_to_be_emptied(client, "drops", TAG)
        stub.add_response("get_bucket_tagging", {"TagSet": [{"Key": TAG, "Value": "true"}]})
        assert handler.is_to_be_emptied(client, "drops", TAG)


def test_a_bucket_that_somebody_deleted_is_in_nobodys_way(client, cloudformation, monkeypatch):
    url, answers = cloudformation
    monkeypatch.setenv("TAG", TAG)
    monkeypatch.setattr(handler.boto3, "client", lambda _, config: client)
    with Stubber(client) as stub:
        stub.add_client_error("get_bucket_tagging", "NoSuchBucket")
        handler.handler(request("Delete", url), Function())
    assert [(a["Status"], a["PhysicalResourceId"]) for a in answers] == [("SUCCESS", "drops")]


def test_the_buckets_that_go_with_their_stack_have_the_tag_and_no_others(assembly):
    for environment, tagged in (("dev", 5), ("prod", 0)):
        tags = [bucket["Tags"] for bucket in assembly.resources("AWS::S3::Bucket", environment)]
        assert len([t for t in tags if {"Key": TAG, "Value": "true"} in t]) == tagged


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_cloudformation_hears_that_there_was_nothing_to_do(cloudformation, kind):
    url, answers = cloudformation
    handler.handler(request(kind, url), Function())
    assert [(a["Status"], a["PhysicalResourceId"]) for a in answers] == [("SUCCESS", "drops")]


def test_cloudformation_hears_of_a_failure(cloudformation, monkeypatch):
    def refuse(*_):
        raise RuntimeError("a: Access Denied")

    monkeypatch.setattr(handler, "is_to_be_emptied", refuse)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("TAG", TAG)
    url, answers = cloudformation
    handler.handler(request("Delete", url), Function())
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "drops was not emptied: a: Access Denied"
