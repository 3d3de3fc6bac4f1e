"""Across accounts AWS asks both sides; the rehearsal's own judge of policies says what they allow.

Both are the synthesised templates', with nothing put in their place.
"""

import json
from typing import NamedTuple

import pytest
from botocore.exceptions import ClientError

from functions.custom_resources.repository_policy import set_statement
from rehearsal.ministack.policies import ActionRequest, allows, parse
from tests.infra.promotion.conftest import (
    BUCKET,
    GROUP,
    KEY,
    REGION,
    SOURCE,
    TARGET,
    group_arn,
    resolved,
)

PACKAGE = f"arn:aws:sagemaker:{REGION}:{SOURCE}:model-package/{GROUP}/3"
MODEL = f"arn:aws:s3:::{BUCKET}/models/TrainModel-1/output/model.tar.gz"
DATASET = f"arn:aws:s3:::{BUCKET}/lineage/0a1b/dataset.json"
REPOSITORY = f"cdk-hnb659fds-container-assets-{SOURCE}-{REGION}"
IMAGES = f"arn:aws:ecr:{REGION}:{SOURCE}:repository/{REPOSITORY}"
BUS = f"arn:aws:events:{REGION}:{TARGET}:event-bus/default"
BY_S3 = {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}
APPROVAL = {
    "events:source": "aws.sagemaker",
    "events:detail-type": "SageMaker Model Package State Change",
}


class Asked(NamedTuple):
    """A request: what, on what, and what else is known of it."""

    action: str
    arn: str
    known: dict[str, str] | None = None


# Who in the target, and what of the source.
NEEDED = [
    ("ApprovedModelDeploymentDeployer", Asked("sagemaker:DescribeModelPackage", PACKAGE)),
    ("EndpointRole", Asked("s3:GetObject", MODEL)),
    ("EndpointRole", Asked("kms:Decrypt", KEY, BY_S3)),
    ("EndpointRole", Asked("ecr:BatchGetImage", IMAGES)),
    ("RolesServingModel", Asked("sagemaker:DescribeModelPackage", PACKAGE)),
    ("RolesServingModel", Asked("s3:GetObject", MODEL)),
    ("DriftComparison", Asked("sagemaker:DescribeModelPackage", PACKAGE)),
    ("DriftComparison", Asked("s3:GetObject", DATASET)),
]


class Repository:
    """ECR with the policy of one repository, in the words of boto3's client."""

    class exceptions:  # noqa: N801 - as boto3 has it
        class RepositoryPolicyNotFoundException(ClientError): ...

        class RepositoryNotFoundException(ClientError): ...

    def __init__(self, *statements):
        self.policy = {"Statement": list(statements)} if statements else None

    def get_repository_policy(self, repositoryName):
        if self.policy is None:
            error = {"Error": {"Code": "RepositoryPolicyNotFoundException"}}
            raise self.exceptions.RepositoryPolicyNotFoundException(error, "GetRepositoryPolicy")
        return {"policyText": json.dumps(self.policy)}

    def set_repository_policy(self, repositoryName, policyText):
        self.policy = json.loads(policyText)

    def delete_repository_policy(self, repositoryName):
        self.get_repository_policy(repositoryName)
        self.policy = None


@pytest.fixture(scope="module")
def target(target_of):
    return target_of(SOURCE, **{"promotion.source_key": KEY}).templates("prod")


@pytest.fixture(scope="module")
def resource_policies(source):
    """The policy of each of the source's resources that the target reaches for."""
    data, training = source["data"]["Resources"], source["training"]["Resources"]
    (sharing,) = [
        resource["Properties"]
        for resource in source["images"]["Resources"].values()
        if resource["Type"] == "Custom::RepositoryPolicyStatement"
    ]
    repository = Repository()
    properties = resolved(sharing, SOURCE)
    set_statement(
        repository, properties["RepositoryName"], properties["Sid"], properties["Accounts"]
    )
    assert properties["RepositoryName"] == REPOSITORY
    objects = data["ArtifactsPolicy6E9058CC"]["Properties"]["PolicyDocument"]
    return {
        PACKAGE: training["ModelPackageGroup"]["Properties"]["ModelPackageGroupPolicy"],
        MODEL: objects,
        DATASET: objects,
        KEY: data["VolumeKeyB3FBD601"]["Properties"]["KeyPolicy"],
        IMAGES: repository.policy,
    }


def identity_policies(templates, role, account):
    return [
        resolved(resource["Properties"]["PolicyDocument"], account)
        for template in templates.values()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and logical_id.startswith(role)
    ]


def is_allowed(caller_account, asked, identity, resource_policy, owner):
    known = {"s3:TlsVersion": "1.3"} | (asked.known or {})
    request = ActionRequest(
        principal=f"arn:aws:sts::{caller_account}:assumed-role/role/session",
        action=asked.action,
        resource=asked.arn,
        context=json.dumps({key.lower(): value for key, value in known.items()}),
    )
    return allows(request, [parse(document) for document in identity], resource_policy, owner)


@pytest.mark.parametrize(("role", "asked"), NEEDED)
def test_the_target_may_what_it_needs_and_only_by_both_sides_policies(
    target, resource_policies, role, asked
):
    mine = identity_policies(target, role, TARGET)
    theirs = resolved(resource_policies[asked.arn], SOURCE)

    assert is_allowed(TARGET, asked, mine, theirs, SOURCE)
    assert not is_allowed(TARGET, asked, mine, None, SOURCE)
    assert not is_allowed(TARGET, asked, [], theirs, SOURCE)


@pytest.mark.parametrize(("role", "asked"), NEEDED)
def test_an_account_that_is_not_named_may_nothing(target, resource_policies, role, asked):
    mine = identity_policies(target, role, TARGET)
    theirs = resolved(resource_policies[asked.arn], SOURCE)
    assert not is_allowed("777788889999", asked, mine, theirs, SOURCE)


@pytest.mark.parametrize(
    "asked",
    [
        Asked("sagemaker:UpdateModelPackage", PACKAGE),
        Asked("sagemaker:DeleteModelPackage", PACKAGE),
        Asked("s3:GetObject", f"arn:aws:s3:::{BUCKET}/lineage/0a1b/objects.parquet"),
        Asked("s3:PutObject", MODEL),
        Asked("kms:Decrypt", KEY),
        Asked("ecr:PutImage", IMAGES),
    ],
)
def test_even_an_administrator_of_the_target_may_no_more(resource_policies, asked):
    everything = [{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}]
    policy = resource_policies.get(asked.arn, resource_policies[MODEL])
    theirs = resolved(policy, SOURCE)
    assert not is_allowed(TARGET, asked, everything, theirs, SOURCE)


def test_the_source_may_tell_the_target_of_approvals_and_of_nothing_else(source, target):
    (bus,) = [
        resource
        for resource in target["serving"]["Resources"].values()
        if resource["Type"] == "AWS::Events::EventBusPolicy"
    ]
    policy = resolved({"Statement": [bus["Properties"]["Statement"]]}, TARGET)
    role = f"ApprovalsFor{TARGET}EventsRole"
    mine = identity_policies(source, role, SOURCE)
    asked = Asked("events:PutEvents", BUS, APPROVAL)

    assert is_allowed(SOURCE, asked, mine, policy, TARGET)
    assert not is_allowed(SOURCE, asked, mine, None, TARGET)
    other = asked._replace(known=APPROVAL | {"events:source": "shardwise.drift"})
    assert not is_allowed(SOURCE, other, mine, policy, TARGET)


def test_approvals_are_forwarded_to_the_targets_bus(source):
    (rule,) = [
        resource["Properties"]
        for logical_id, resource in source["serving"]["Resources"].items()
        if resource["Type"] == "AWS::Events::Rule" and logical_id.startswith("ApprovalsFor")
    ]
    (to,) = rule["Targets"]
    assert resolved(to["Arn"], SOURCE) == BUS
    assert to["RoleArn"]
    assert to["DeadLetterConfig"]
    assert rule["EventPattern"]["source"] == ["aws.sagemaker"]


def test_a_bus_is_opened_only_where_the_source_is_elsewhere(target):
    conditions = target["serving"]["Conditions"]
    assert conditions["SourceIsElsewhere"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AWS::AccountId"}, SOURCE]}]
    }


@pytest.mark.parametrize(("credentials", "refused"), [(SOURCE, False), (TARGET, True)])
def test_models_of_another_account_are_refused_without_their_key(
    run, tmp_path, credentials, refused
):
    context = {
        "environment": "prod",
        "promotion.deploys": "model",
        "promotion.source_model_package_group": group_arn(SOURCE),
        "promotion.source_artifacts_bucket": BUCKET,
    }
    # The file and the command line say no account; the CDK CLI tells that of the credentials.
    of_cli = {"CDK_DEFAULT_ACCOUNT": credentials}
    done = run(tmp_path, context, of_cli, "import infra.deployment as d; d.Deployment = vars")
    # What comes after is of no concern here.
    assert ("source_key has no value" in done.stderr) == refused, done.stderr
    assert ("TypeError: vars()" in done.stderr) != refused, done.stderr


def test_the_repositorys_other_statements_stay():
    theirs = {"Sid": "LambdaECRImageRetrievalPolicy", "Effect": "Allow", "Action": "ecr:*"}
    repository = Repository(theirs)
    set_statement(repository, REPOSITORY, "ShardwiseDev", [TARGET])
    set_statement(repository, REPOSITORY, "ShardwiseDev", [TARGET, SOURCE])
    set_statement(repository, REPOSITORY, "ShardwiseProd", [TARGET])
    sids = [statement["Sid"] for statement in repository.policy["Statement"]]
    assert sids == [theirs["Sid"], "ShardwiseDev", "ShardwiseProd"]
    assert repository.policy["Statement"][1]["Principal"] == {"AWS": [TARGET, SOURCE]}
    for sid in ("ShardwiseDev", "ShardwiseProd", "ShardwiseProd"):
        set_statement(repository, REPOSITORY, sid, [])
    assert repository.policy["Statement"] == [theirs]


def test_a_policy_of_nothing_is_none():
    repository = Repository()
    set_statement(repository, REPOSITORY, "ShardwiseDev", [TARGET])
    set_statement(repository, REPOSITORY, "ShardwiseDev", [])
    assert repository.policy is None
    set_statement(repository, REPOSITORY, "ShardwiseDev", [])
