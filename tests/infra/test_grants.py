"""What the roles of single steps may do."""

import re

from infra.assembly import plain_text


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements(assembly, role):
    for policy in assembly.resources("AWS::IAM::Policy"):
        if role in str(policy["Roles"]):
            yield from policy["PolicyDocument"]["Statement"]


def allowed(assembly, role, service):
    """Action -> what a role of the training stack may do it on."""
    found = {}
    for statement in statements(assembly, role):
        for action in as_list(statement["Action"]):
            if action.startswith(f"{service}:"):
                resources = map(resource_of, as_list(statement["Resource"]))
                found.setdefault(action, set()).update(resources)
    return found


def resource_of(arn):
    """`<bucket>/<pattern>` or `<kind>/<name>`."""
    text = re.sub(r"^arn:aws:(sagemaker:us-east-1:123456789012|s3::):", "", plain_text(arn))
    return re.sub(r"^ExportsOutputFnGetAtt(Artifacts|Working)\w+", r"\1", text)


def test_training_reads_shards_keeps_checkpoints_and_writes_logs_and_models(assembly):
    objects = {"Working/executions/*", "Working/checkpoints/*"}
    written = {"Artifacts/models/*", "Working/checkpoints/*", "Working/tensorboard/*"}
    assert allowed(assembly, "RolesTraining", "s3") == {
        "s3:ListBucket": {"Working"},
        "s3:GetObject": objects,
        "s3:PutObject": written,
        "s3:AbortMultipartUpload": written,
    }


def test_training_may_read_the_weights_that_it_starts_from_and_nothing_beside_them(steady):
    training = allowed(steady, "RolesTraining", "s3")
    weights = "our-weights/small/cnn.keras*"
    assert weights in training["s3:GetObject"]
    assert "our-weights" in training["s3:ListBucket"]
    assert not [r for rs in training.values() for r in rs if "our-weights/*" in r]
    (listed,) = [
        as_list(statement["Condition"]["StringLike"]["s3:prefix"])
        for statement in statements(steady, "RolesTraining")
        if "our-weights" in map(resource_of, as_list(statement["Resource"]))
    ]
    assert listed == ["small/cnn.keras*"]


def test_whoever_fetches_the_serving_model_may_describe_that_one_alone(assembly):
    sagemaker = allowed(assembly, "RolesServingModel", "sagemaker")
    assert set(sagemaker) == {
        "sagemaker:DescribeEndpoint",
        "sagemaker:DescribeEndpointConfig",
        "sagemaker:DescribeModel",
        "sagemaker:DescribeModelPackage",
    }
    (endpoint,) = assembly.resources("AWS::SageMaker::Endpoint")
    assert sagemaker["sagemaker:DescribeEndpoint"] == {f"endpoint/{endpoint['EndpointName']}"}
    assert sagemaker["sagemaker:DescribeModelPackage"] == {"model-package/shardwise-dev-????????/*"}
    resources = assembly.template("dev", "serving")["Resources"]
    for action, kind, name in (
        ("Model", "model", "ModelName"),
        ("EndpointConfig", "endpoint-config", "EndpointConfigName"),
    ):
        (made,) = [k for k, r in resources.items() if r["Type"] == f"AWS::SageMaker::{action}"]
        # By its ARN, and by its name as it is spelled.
        assert sagemaker[f"sagemaker:Describe{action}"] == {made, f"{kind}/{made}.{name}"}


def test_whoever_fetches_the_serving_model_reads_models_and_writes_what_executions_make(assembly):
    assert allowed(assembly, "RolesServingModel", "s3") == {
        "s3:GetObject": {"Artifacts/models/*"},
        "s3:PutObject": {"Working/executions/*"},
        "s3:AbortMultipartUpload": {"Working/executions/*"},
    }
