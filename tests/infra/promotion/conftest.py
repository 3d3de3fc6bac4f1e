"""A source, dev in one account, and a target, prod in another, that serves its models."""

import re

import pytest

SOURCE, TARGET = "111122223333", "444455556666"
REGION = "us-east-1"
GROUP = "shardwise-dev-0a1b2c3d"
STACK_ID = f"arn:aws:cloudformation:{REGION}:{SOURCE}:stack/shardwise-dev-training/0a1b2c3d-00-11"
BUCKET = "source-artifacts"
KEY = f"arn:aws:kms:{REGION}:{SOURCE}:key/11112222-3333-4444-5555-666677778888"


def group_arn(account):
    return f"arn:aws:sagemaker:{REGION}:{account}:model-package-group/{GROUP}"


@pytest.fixture(scope="session")
def source(synth, tmp_path_factory):
    """Its stacks by unit."""
    settings = tmp_path_factory.mktemp("settings")
    (settings / "dev.toml").write_text(
        f"[promotion]\ntarget_accounts = ['{TARGET}']\n[security]\ncustomer_managed_keys = true\n"
    )
    folder = tmp_path_factory.mktemp("source")
    variables = {"SHARDWISE_ENVIRONMENTS": str(settings)}
    return synth(folder, {"environment": "dev"}, variables).templates("dev")


@pytest.fixture(scope="session")
def target_of(synth, tmp_path_factory):
    """The synthesis of an environment that serves models of an account."""

    def made(account, **context):
        serves = {
            "environment": "prod",
            "promotion.deploys": "model",
            "promotion.source_model_package_group": group_arn(account),
            "promotion.source_artifacts_bucket": BUCKET,
        }
        return synth(tmp_path_factory.mktemp("target"), serves | context)

    return made


def resolved(value, account):  # noqa: PLR0911 - one for each intrinsic function
    """A part of a template as CloudFormation would have it in an account."""
    pseudo = {
        "AWS::AccountId": account,
        "AWS::Region": REGION,
        "AWS::Partition": "aws",
        "AWS::URLSuffix": "amazonaws.com",
        "AWS::StackId": STACK_ID,
    }
    match value:
        case {"Ref": str(name)}:
            return pseudo.get(name, name)
        case {"Fn::GetAtt": ["Artifacts82DD59A1", "Arn"]}:
            return f"arn:aws:s3:::{BUCKET}"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
        case {"Fn::ImportValue": str(name)}:
            return name
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(resolved(part, account) for part in parts)
        case {"Fn::Split": [str(separator), whole]}:
            return resolved(whole, account).split(separator)
        case {"Fn::Select": [int(number), whole]}:
            return resolved(whole, account)[number]
        case {"Fn::Sub": str(text)}:
            return re.sub(r"\$\{(.*?)\}", lambda name: pseudo[name[1]], text)
        case dict():
            return {key: resolved(inner, account) for key, inner in value.items()}
        case list():
            return [resolved(inner, account) for inner in value]
    return value
