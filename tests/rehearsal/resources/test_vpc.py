"""The subnets and security groups that a request names."""

import json

import pytest
from botocore.exceptions import ClientError

from rehearsal.authorization.record import read
from tests.rehearsal.conftest import ROLE, Server, eventually
from tests.rehearsal.resources.conftest import IMAGE


@pytest.fixture(scope="module")
def vpc(server):
    """A VpcConfig whose parts are there."""
    return made(server.client("ec2"), "10.1")


INTERFACES = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
]
LOOKS = [
    f"ec2:Describe{each}"
    for each in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("vpc"), enforce_iam=True).start()
    yield started
    started.end()


@pytest.fixture(scope="module")
def policy(server):
    """Puts the policy of the role of all requests."""
    iam = server.client("iam")
    name = ROLE.rpartition("/")[2]
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)

    def put(*statements):
        allowed = [{"Effect": "Allow", "Resource": "*"} | each for each in statements]
        document = json.dumps({"Version": "2012-10-17", "Statement": allowed})
        iam.put_role_policy(RoleName=name, PolicyName="ec2", PolicyDocument=document)

    return put


@pytest.fixture(autouse=True)
def may(policy):
    """Lets the role do this and nothing else; all of EC2, at first."""
    policy({"Action": "ec2:*"})
    return policy


def made(ec2, prefix):
    vpc = ec2.create_vpc(CidrBlock=f"{prefix}.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"{prefix}.{number}.0/24")["Subnet"]["SubnetId"]
        for number in (1, 2)
    ]
    group = ec2.create_security_group(VpcId=vpc, GroupName=prefix, Description="tests")
    return {"Subnets": subnets, "SecurityGroupIds": [group["GroupId"]]}


@pytest.fixture(params=["training", "processing", "model"])
def create(request, sagemaker, name, training, processing):
    """Makes a thing of one kind in a VPC."""

    def training_job(config):
        sagemaker.create_training_job(**training(name, VpcConfig=config))

    def processing_job(config):
        sagemaker.create_processing_job(**processing(name, NetworkConfig={"VpcConfig": config}))

    def model(config):
        sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"Image": IMAGE},
            VpcConfig=config,
        )

    return {"training": training_job, "processing": processing_job, "model": model}[request.param]


def refused(create, config):
    with pytest.raises(ClientError) as error:
        create(config)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    return error.value.response["Error"]["Message"]


def test_what_is_there_is_taken_and_shown(sagemaker, name, training, vpc):
    sagemaker.create_training_job(**training(name, VpcConfig=vpc))
    assert sagemaker.describe_training_job(TrainingJobName=name)["VpcConfig"] == vpc
    eventually(
        lambda: (
            sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"]
            == "Completed"
        )
    )


def test_a_subnet_that_is_not_there_is_named(create, vpc):
    assert "subnet-0123456789abcdef0" in refused(
        create, vpc | {"Subnets": ["subnet-0123456789abcdef0"]}
    )


def test_a_security_group_that_is_not_there_is_named(create, vpc):
    assert "sg-0123456789abcdef0" in refused(
        create, vpc | {"SecurityGroupIds": ["sg-0123456789abcdef0"]}
    )


def test_a_security_group_of_another_vpc_is_refused(server, create, vpc, request):
    other = made(server.client("ec2"), f"10.{len(request.node.name)}")
    message = refused(create, vpc | {"SecurityGroupIds": other["SecurityGroupIds"]})
    assert "2 VPCs" in message


def test_no_network_interface_stays(server, create, vpc):
    create(vpc)
    assert server.client("ec2").describe_network_interfaces()["NetworkInterfaces"] == []


def scoped(vpc, how):
    """Statements of a role that may do all that it needs, and one thing of it in a scope only."""
    arn = "arn:aws:ec2:us-east-1:000000000000:"
    scopes = {
        "by resources": {
            "Action": INTERFACES[0],
            "Resource": [
                f"{arn}network-interface/*",
                *(f"{arn}subnet/{each}" for each in vpc["Subnets"]),
                *(f"{arn}security-group/{each}" for each in vpc["SecurityGroupIds"]),
            ],
        },
        "by all interfaces": {
            "Action": INTERFACES[1:3],
            "Resource": "arn:aws:ec2:*:*:network-interface/*",
        },
        "by the VPC": {
            "Action": INTERFACES[:3],
            "Condition": {"ArnLike": {"ec2:Vpc": f"{arn}vpc/*"}},
        },
        "by a key that need not be there": {
            "Action": INTERFACES[2],
            "Condition": {"ArnLikeIfExists": {"ec2:Vpc": f"{arn}vpc/*"}},
        },
        "of a look by the region": {
            "Action": "ec2:DescribeVpcs",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
        },
    }
    one = scopes[how]
    within = one["Action"] if isinstance(one["Action"], list) else [one["Action"]]
    others = [each for each in (*INTERFACES, *LOOKS) if each not in within]
    return one, {"Action": [*others, "ec2:DescribeVpcEndpoints"]}


@pytest.mark.parametrize(
    "how",
    [
        "by resources",
        "by all interfaces",
        "by the VPC",
        "by a key that need not be there",
        "of a look by the region",
    ],
)
def test_a_processing_job_takes_no_role_with_a_scope_and_others_do(
    server, name, training, processing, vpc, may, how
):
    statements = scoped(vpc, how)
    may(*statements)
    client = server.client("sagemaker")
    client.create_training_job(**training(name, VpcConfig=vpc))
    container = {"Image": IMAGE}
    client.create_model(
        ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container, VpcConfig=vpc
    )
    job = processing(name, NetworkConfig={"VpcConfig": vpc})
    message = refused(lambda _: client.create_processing_job(**job), vpc)
    actions = statements[0]["Action"]
    first = actions if isinstance(actions, str) else actions[0]
    for part in (ROLE, f"perform: {first} on resource: *", "no condition and no resource filter"):
        assert part in message


def test_a_role_without_a_scope_is_taken_and_what_it_was_asked_for_is_on_record(
    server, create, vpc, may
):
    may({"Action": [*INTERFACES, *LOOKS, "ec2:DescribeVpcEndpoints"]})
    create(vpc)
    allowed = {each.action for each in read(server.state) if each.is_allowed}
    assert allowed >= {*INTERFACES, *LOOKS}


def test_each_permission_is_asked_for(create, vpc, may):
    for missing in (*INTERFACES, *LOOKS):
        left = [each for each in (*INTERFACES, *LOOKS) if each != missing]
        may({"Action": [*left, "ec2:DescribeVpcEndpoints"]})
        message = refused(create, vpc)
        assert missing in message
        assert ROLE in message


def test_only_a_model_asks_for_the_endpoints_of_the_vpc(request, create, vpc, may):
    may({"Action": [*INTERFACES, *LOOKS]})
    if request.node.callspec.params["create"] == "model":
        assert "ec2:DescribeVpcEndpoints" in refused(create, vpc)
    else:
        create(vpc)


def test_an_interface_is_made_of_three_things_and_each_counts(create, vpc, may):
    kinds = {"network-interface", "security-group", "subnet"}
    for kind in kinds:
        others = [f"arn:aws:ec2:*:*:{each}/*" for each in kinds - {kind}]
        may(
            {"Action": INTERFACES[0], "Resource": others},
            {"Action": [*INTERFACES[1:], *LOOKS, "ec2:DescribeVpcEndpoints"]},
        )
        assert INTERFACES[0] in refused(create, vpc)
