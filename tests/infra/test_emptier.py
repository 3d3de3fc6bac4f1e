import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest
from botocore.stub import Stubber

from infra.data.emptier import handler
from infra.tags import EMPTIED as TAG


@pytest.fixture
def client():
    return boto3.client(
        "s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )


@pytest.fixture
def cloudformation():
    """Takes the answers of custom resources, on a URL as CloudFormation would give."""
    answers = []

    class Answers(BaseHTTPRequestHandler):
        def do_PUT(self):
            answers.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/", answers
    server.shutdown()
    thread.join()
    server.server_close()


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


def listed(stub, **found):
    stub.add_response("list_object_versions", {"IsTruncated": False, **found}, {"Bucket": "drops"})


def test_every_version_and_delete_marker_goes(client):
    with Stubber(client) as stub:
        listed(
            stub,
            Versions=[{"Key": "a", "VersionId": "1"}, {"Key": "a", "VersionId": "2"}],
            DeleteMarkers=[{"Key": "a", "VersionId": "3"}],
        )
        gone = [{"Key": "a", "VersionId": version} for version in "123"]
        expected = {"Bucket": "drops", "Delete": {"Objects": gone, "Quiet": True}}
        stub.add_response("delete_objects", {}, expected)
        assert handler.empty(client, "drops") == 3


def test_an_empty_bucket_is_left_alone(client):
    with Stubber(client) as stub:
        listed(stub)
        assert handler.empty(client, "drops") == 0


def test_what_s3_keeps_is_an_error(client):
    with Stubber(client) as stub:
        listed(stub, Versions=[{"Key": "a", "VersionId": "1"}])
        stub.add_response("delete_objects", {"Errors": [{"Key": "a", "Message": "Access Denied"}]})
        with pytest.raises(RuntimeError, match="a: Access Denied"):
            handler.empty(client, "drops")


def test_a_bucket_that_lost_its_tag_is_kept(client):
    with Stubber(client) as stub:
        stub.add_response("get_bucket_tagging", {"TagSet": [{"Key": "a", "Value": "true"}]})
        assert not handler.is_to_be_emptied(client, "drops", TAG)
        stub.add_client_error("get_bucket_tagging", "NoSuchTagSet")
        assert not handler.is_to_be_emptied(client, "drops", TAG)
        stub.add_response("get_bucket_tagging", {"TagSet": [{"Key": TAG, "Value": "true"}]})
        assert handler.is_to_be_emptied(client, "drops", TAG)


def test_the_buckets_that_go_with_their_stack_have_the_tag_and_no_others(assembly):
    for environment, tagged in (("dev", 5), ("prod", 0)):
        tags = [bucket["Tags"] for bucket in assembly.resources("AWS::S3::Bucket", environment)]
        assert len([t for t in tags if {"Key": TAG, "Value": "true"} in t]) == tagged


@pytest.mark.parametrize("kind", ["Create", "Update"])
def test_cloudformation_hears_that_there_was_nothing_to_do(cloudformation, kind):
    url, answers = cloudformation
    handler.handler(request(kind, url), None)
    assert [(a["Status"], a["PhysicalResourceId"]) for a in answers] == [("SUCCESS", "drops")]


def test_cloudformation_hears_of_a_failure(cloudformation, monkeypatch):
    def refuse(*_):
        raise RuntimeError("a: Access Denied")

    monkeypatch.setattr(handler, "is_to_be_emptied", refuse)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("TAG", TAG)
    url, answers = cloudformation
    handler.handler(request("Delete", url), None)
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == "drops was not emptied: a: Access Denied"
