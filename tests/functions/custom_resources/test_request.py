"""What holds for every function that CloudFormation asks: it answers, also where AWS does not."""

from __future__ import annotations

import importlib
import socket

import pytest
from botocore.config import Config

ANSWER_SECONDS = 20
# Of each type of a custom resource, its function and what a stack gives it.
HANDLERS = {
    "Custom::EmptyBucket": ("functions.custom_resources.emptier", {"BucketName": "drops"}),
    "Custom::EndpointServes": (
        "functions.custom_resources.endpoint_guard",
        {"EndpointName": "shardwise-dev", "EndpointConfigName": "new"},
    ),
    "Custom::PublishedImages": (
        "functions.custom_resources.published_images",
        {"Images": [{"Repository": "assets", "Tag": "a"}]},
    ),
    "Custom::RepositoryPolicyStatement": (
        "functions.custom_resources.repository_policy",
        {"RepositoryName": "assets", "Sid": "shardwise-dev", "Accounts": ["123456789012"]},
    ),
}


class Function:
    """As Lambda tells how long a function has left."""

    def get_remaining_time_in_millis(self):
        return 900_000


@pytest.fixture
def hangs(monkeypatch):
    """AWS takes connections, and answers nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TAG"):
            monkeypatch.setenv(name, "x")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield


@pytest.mark.parametrize("type_name", HANDLERS)
def test_cloudformation_hears_of_a_service_that_hangs(
    hangs, cloudformation, monkeypatch, type_name
):
    url, answers = cloudformation
    module, properties = HANDLERS[type_name]
    handler = importlib.import_module(module)
    monkeypatch.setattr(
        handler, "_CLIENT", Config(read_timeout=0.05, retries={"total_max_attempts": 1})
    )
    event = {
        "RequestType": "Delete" if type_name == "Custom::EmptyBucket" else "Create",
        "ResponseURL": url,
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "resource",
        "ResourceProperties": properties,
    }
    handler.handler(event, Function())
    (answer,) = answers
    assert answer["Status"] == "FAILED"
    assert "Read timeout" in answer["Reason"]


def test_every_function_has_the_time_to_give_up_and_to_answer(assembly, options):
    seen = set()
    for template in (*assembly.templates("dev").values(), *options.templates("dev").values()):
        resources = template["Resources"]
        for resource in resources.values():
            if resource["Type"].startswith("Custom::"):
                seen.add(resource["Type"])
                client = importlib.import_module(HANDLERS[resource["Type"]][0])._CLIENT
                function = resources[resource["Properties"]["ServiceToken"]["Fn::GetAtt"][0]]
                request = client.connect_timeout + client.read_timeout
                hanging = client.retries["total_max_attempts"] * request
                assert hanging + ANSWER_SECONDS < function["Properties"]["Timeout"]
    assert seen == HANDLERS.keys() - {"Custom::RepositoryPolicyStatement"}
