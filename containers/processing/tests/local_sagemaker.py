"""SageMaker's Describe operations on what a test says there is, over HTTP."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler

import botocore.session
from botocore.validate import validate_parameters
from tests.local_server import serving

ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
# Operation -> the request's member that names the resource, and its kind.
OPERATIONS = {
    "DescribeEndpoint": ("EndpointName", "endpoint"),
    "DescribeEndpointConfig": ("EndpointConfigName", "endpoint configuration"),
    "DescribeModel": ("ModelName", "model"),
    "DescribeModelPackage": ("ModelPackageName", "model package"),
}


class SageMaker:
    """An account; a resource is put into it by the operation that describes it.

    Attributes:
        refusals: operation -> codes and messages that are answered first, one a call.
        calls: the operations that were called.
        regions: the Regions that requests were signed for.
    """

    def __init__(self):
        self.resources, self.refusals, self.calls, self.regions = {}, {}, [], set()
        self.service = botocore.session.get_session().get_service_model("sagemaker")

    def put(self, operation, name, **fields):
        """`fields` and what the operation's answer must have besides, by botocore's model."""
        shape = self.service.operation_model(operation).output_shape
        named = {
            member: f"{ARN}{name}" if member.endswith("Arn") else name
            for member in shape.required_members
            if member.endswith(("Name", "Arn"))
        }
        times = {m: WHEN for m in shape.required_members if m.endswith("Time")}
        answer = {**named, **times, **fields}
        validate_parameters(answer, shape)
        self.resources[operation, name] = answer

    def endpoint(self, name, status="InService", models=("model-1",)):
        fields = {"EndpointStatus": status, "EndpointConfigName": "config-1"}
        self.put("DescribeEndpoint", name, **fields)
        variants = [{"VariantName": model, "ModelName": model} for model in models]
        self.put("DescribeEndpointConfig", "config-1", ProductionVariants=variants)

    def model(self, *containers, name="model-1"):
        members = (
            {"PrimaryContainer": containers[0]}
            if len(containers) == 1
            else {"Containers": [*containers]}
        )
        self.put("DescribeModel", name, **members)

    def package(self, arn, *containers):
        specification = {"Containers": [{"Image": "image", **c} for c in containers]}
        self.put(
            "DescribeModelPackage",
            arn,
            ModelPackageArn=arn,
            ModelPackageStatus="Completed",
            ModelPackageStatusDetails={"ValidationStatuses": []},
            InferenceSpecification=specification,
        )

    def answer(self, operation, request):
        """Status and content of the answer."""
        self.calls.append(operation)
        if self.refusals.get(operation):
            code, message = self.refusals[operation].pop(0)
            return 400, {"__type": code, "message": message}
        member, kind = OPERATIONS[operation]
        found = self.resources.get((operation, request[member]))
        if found is None:
            message = f'Could not find {kind} "{ARN}{request[member]}".'
            return 400, {"__type": "ValidationException", "message": message}
        return 200, found


@contextmanager
def local_sagemaker():
    """An empty account, and the URL where it is asked."""
    account = SageMaker()

    class Api(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = self.headers["X-Amz-Target"].removeprefix("SageMaker.")
            account.regions.add(self.headers["Authorization"].split("/")[2])
            status, answer = account.answer(operation, request)
            content = json.dumps(answer, default=datetime.timestamp).encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Says nothing."""

    with serving(Api) as url:
        yield account, url
