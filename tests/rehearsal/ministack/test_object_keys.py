"""Who may read and write what a KMS key encrypts, and what bounds a role, with IAM enforced."""

import json
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.stored_file import CONTENT_TYPE, HEADER, StoredFile
from tests.rehearsal.conftest import Server, eventually

OBJECTS = {"Action": ["s3:GetObject", "s3:PutObject"], "Resource": "*"}
THROUGH_S3 = {"StringEquals": {"kms:ViaService": "s3.us-east-1.amazonaws.com"}}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
            "Action": "sts:AssumeRole",
        }
    ],
}
KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}


def role(*statements, boundary=None):
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", **statement} for statement in statements],
    }
    properties = {
        "AssumeRolePolicyDocument": TRUST,
        "Policies": [{"PolicyName": "own", "PolicyDocument": document}],
    }
    return {
        "Type": "AWS::IAM::Role",
        "Properties": properties | ({"PermissionsBoundary": boundary} if boundary else {}),
    }


def key_use(*actions):
    return {
        "Action": list(actions),
        "Resource": {"Fn::GetAtt": ["Key", "Arn"]},
        "Condition": THROUGH_S3,
    }


ALIAS = "alias/tests"
BOTH = key_use("kms:Decrypt", "kms:GenerateDataKey")
TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": KEY_POLICY}},
        "Alias": {
            "Type": "AWS::KMS::Alias",
            "Properties": {"AliasName": ALIAS, "TargetKeyId": {"Ref": "Key"}},
        },
        "Bucket": {
            "Type": "AWS::S3::Bucket",
            "Properties": {
                "BucketEncryption": {
                    "ServerSideEncryptionConfiguration": [
                        {
                            "BucketKeyEnabled": True,
                            "ServerSideEncryptionByDefault": {
                                "SSEAlgorithm": "aws:kms",
                                "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
                            },
                        }
                    ]
                }
            },
        },
        "ReadsOnly": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": {
                    "Version": "2012-10-17",
                    "Statement": [
                        {"Effect": "Allow", "Action": ["s3:GetObject", "kms:*"], "Resource": "*"}
                    ],
                }
            },
        },
        "DropsOnly": role(
            {
                "Action": "s3:PutObject",
                "Resource": {"Fn::Sub": "arn:aws:s3:::${Bucket}/drops/*/_SUCCESS"},
            },
            key_use("kms:GenerateDataKey"),
        ),
        "Full": role(OBJECTS, BOTH),
        "Keyless": role(OBJECTS),
        "Direct": role({"Action": "kms:Encrypt", "Resource": {"Fn::GetAtt": ["Key", "Arn"]}}),
        "Writer": role(OBJECTS, key_use("kms:GenerateDataKey")),
        "Bounded": role(OBJECTS, BOTH, boundary={"Ref": "ReadsOnly"}),
    },
    "Outputs": {
        **{
            name: {"Value": {"Fn::GetAtt": [name, "Arn"]}}
            for name in ("DropsOnly", "Full", "Keyless", "Direct", "Writer", "Bounded", "Key")
        },
        "Bucket": {"Value": {"Ref": "Bucket"}},
    },
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = Server(tmp_path_factory.mktemp("keys"), enforce_iam=True).start()
    yield started
    started.end()


def deploy(server, name, template):
    cloudformation = server.client("cloudformation")
    cloudformation.create_stack(
        StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )

    def ended():
        (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        return None if stack["StackStatus"].endswith("IN_PROGRESS") else stack

    return eventually(ended)


@pytest.fixture(scope="module")
def stack(server):
    """Outputs of the template, by name."""
    made = deploy(server, "keys", TEMPLATE)
    assert made["StackStatus"] == "CREATE_COMPLETE"
    return {output["OutputKey"]: output["OutputValue"] for output in made["Outputs"]}


@pytest.fixture(scope="module")
def s3(server, stack):
    """S3, or another service, as a role of the stack."""

    def as_role(name, service="s3"):
        answer = server.client("sts").assume_role(RoleArn=stack[name], RoleSessionName="tests")
        found = answer["Credentials"]
        return boto3.session.Session(region_name="us-east-1").client(
            service,
            endpoint_url=f"http://127.0.0.1:{server.port}",
            aws_access_key_id=found["AccessKeyId"],
            aws_secret_access_key=found["SecretAccessKey"],
            aws_session_token=found["SessionToken"],
            config=Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
        )

    return as_role


def denial(call, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] in {"AccessDenied", "AccessDeniedException"}
    return error.value.response["Error"]["Message"]


def test_who_may_use_the_key_writes_and_reads_and_the_object_names_it(s3, stack):
    mine = s3("Full")
    mine.put_object(Bucket=stack["Bucket"], Key="a/b c", Body=b"1")
    answer = mine.get_object(Bucket=stack["Bucket"], Key="a/b c")
    assert answer["Body"].read() == b"1"
    assert answer["SSEKMSKeyId"] == stack["Key"]


def test_who_may_not_use_the_key_writes_nothing(s3, stack):
    message = denial(s3("Keyless").put_object, Bucket=stack["Bucket"], Key="b", Body=b"1")
    assert "kms:GenerateDataKey" in message


def test_the_key_that_a_request_names_counts_too(s3, server, stack):
    server.client("s3").create_bucket(Bucket="plain")
    named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": stack["Key"]}
    message = denial(s3("Keyless").put_object, Bucket="plain", Key="b", Body=b"1", **named)
    assert "kms:GenerateDataKey" in message
    s3("Keyless").put_object(Bucket="plain", Key="b", Body=b"1")


def test_a_key_is_the_same_by_any_of_its_names(s3, stack):
    bucket, key = stack["Bucket"], stack["Key"]
    full, keyless = s3("Full"), s3("Keyless")
    direct, through_s3 = s3("Direct", "kms"), s3("Full", "kms")
    for name in (key, key.rpartition("/")[2], ALIAS, f"{key.partition(':key/')[0]}:{ALIAS}"):
        named = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": name}
        denial(keyless.put_object, Bucket=bucket, Key="names", Body=b"1", **named)
        full.put_object(Bucket=bucket, Key="names", Body=b"1", **named)
        assert full.head_object(Bucket=bucket, Key="names")["SSEKMSKeyId"] == key
        direct.encrypt(KeyId=name, Plaintext=b"1")
        denial(through_s3.encrypt, KeyId=name, Plaintext=b"1")


def test_to_write_is_not_to_read(s3, stack):
    writer = s3("Writer")
    for key in ("c", "100%25"):
        writer.put_object(Bucket=stack["Bucket"], Key=key, Body=b"1")
        assert "kms:Decrypt" in denial(writer.get_object, Bucket=stack["Bucket"], Key=key)


def test_where_an_object_lies_is_told_to_who_may_read_it(s3, stack):
    asked = {"Bucket": stack["Bucket"], "Key": "lies", "ResponseContentType": CONTENT_TYPE}
    s3("Full").put_object(Bucket=stack["Bucket"], Key="lies", Body=b"body")
    for name in ("Writer", "Keyless", "DropsOnly"):
        denial(s3(name).get_object, **asked)
    answer = s3("Full").get_object(**asked)
    assert answer["Body"].read() == b""
    told = StoredFile.read(answer["ResponseMetadata"]["HTTPHeaders"][HEADER])
    assert Path(told.path).read_bytes() == b"body"
    for refused in ({"IfMatch": "another"}, {"Key": "other"}):
        with pytest.raises(ClientError) as error:
            s3("Full").get_object(**asked | refused)
        assert error.value.response["Error"]["Code"] in {"PreconditionFailed", "NoSuchKey"}


def test_who_copies_needs_the_key_of_what_is_read(s3, server, stack):
    bucket = stack["Bucket"]
    s3("Full").put_object(Bucket=bucket, Key="d e/f", Body=b"1")
    server.client("s3").create_bucket(Bucket="copies")
    source = {"CopySource": {"Bucket": bucket, "Key": "d e/f"}}
    message = denial(s3("Writer").copy_object, Bucket="copies", Key="copy", **source)
    assert "kms:Decrypt" in message
    s3("Full").copy_object(Bucket="copies", Key="copy", **source)
    part = s3("Writer").create_multipart_upload(Bucket="copies", Key="parts")["UploadId"]
    upload = {"Bucket": "copies", "Key": "parts", "UploadId": part, "PartNumber": 1}
    assert "kms:Decrypt" in denial(s3("Writer").upload_part_copy, **upload, **source)


def test_a_wildcard_of_a_policy_stands_for_a_newline_too(s3, stack):
    mine = s3("DropsOnly")
    mine.put_object(Bucket=stack["Bucket"], Key="drops/a\nb/_SUCCESS", Body=b"")
    denial(mine.put_object, Bucket=stack["Bucket"], Key="drops/a/_SUCCESS\n", Body=b"")


def test_no_role_passes_its_boundary(s3, stack):
    s3("Full").put_object(Bucket=stack["Bucket"], Key="d", Body=b"1")
    bounded = s3("Bounded")
    assert bounded.get_object(Bucket=stack["Bucket"], Key="d")["Body"].read() == b"1"
    assert "s3:PutObject" in denial(bounded.put_object, Bucket=stack["Bucket"], Key="e", Body=b"1")


def test_a_boundary_that_is_not_there_fails_the_stack(server):
    missing = "arn:aws:iam::000000000000:policy/Missing"
    made = deploy(server, "unbounded", {"Resources": {"Role": role(OBJECTS, boundary=missing)}})
    assert made["StackStatus"] == "ROLLBACK_COMPLETE"
    events = server.client("cloudformation").describe_stack_events(StackName="unbounded")
    reasons = " ".join(e.get("ResourceStatusReason", "") for e in events["StackEvents"])
    assert f"{missing} does not exist" in reasons
