"""The subnets and security groups that a request names."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.rehearsal.api.conftest import IMAGE, ROLE
from tests.rehearsal.conftest import eventually


@pytest.fixture(scope="module")
def vpc(server):
    """A VpcConfig whose parts are there."""
    return made(server.client("ec2"), "10.1")


@pytest.fixture(scope="module", autouse=True)
def role(server):
    """The role of all requests, which may do everything."""
    iam = server.client("iam")
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    allowed = {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": [allowed]}
    name = ROLE.rpartition("/")[2]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="ec2", PolicyDocument=json.dumps(document))
    yield
    iam.delete_role_policy(RoleName=name, PolicyName="ec2")
    iam.delete_role(RoleName=name)


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
