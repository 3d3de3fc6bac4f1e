"""Each option on (one synthesis of dev with all of them) and off (the session's own)."""

import json
import re
from pathlib import Path

from infra.assembly import UNITS, plain_text
from tests.infra.options import BOUNDARY

STEPS = ("CreateManifests", "FetchServingModel", "ShardImages", "EvaluateModel", "TrainModel")
REPOSITORY = Path(__file__).resolve().parents[2]


def as_list(value):
    return value if isinstance(value, list) else [value]


def named(assembly, kind, environment="dev"):
    """Logical id -> properties."""
    return {
        logical_id: resource.get("Properties", {})
        for template in assembly.templates(environment).values()
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def network_of(assembly, step):
    """`(isolated, VpcConfig)` of a step's job."""
    arguments = assembly.definition().arguments(step)
    request = arguments.get("NetworkConfig", arguments)
    return request["EnableNetworkIsolation"], request.get("VpcConfig")


def dependencies(assembly, unit):
    """The units that are deployed before."""
    manifest = json.loads((assembly.folder / "assembly-dev" / "manifest.json").read_text())
    return {
        other
        for artifact in manifest["artifacts"].values()
        if artifact.get("displayName") == f"dev/{unit}"
        for other in UNITS
        if any(re.match(f"dev{other}[0-9A-F]{{8}}$", name) for name in artifact["dependencies"])
    }


def exports(assembly, unit):
    outputs = assembly.template("dev", unit).get("Outputs", {}).values()
    return {output["Export"]["Name"] for output in outputs if "Export" in output}


def statements(assembly, role=""):
    for policy in named(assembly, "AWS::IAM::Policy").values():
        if role in json.dumps(policy["Roles"]):
            yield from policy["PolicyDocument"]["Statement"]


def test_without_a_vpc_jobs_and_model_are_in_sagemakers_network(assembly):
    assert not named(assembly, "AWS::EC2::VPC")
    assert [network_of(assembly, step)[1] for step in STEPS] == [None] * len(STEPS)
    (model,) = assembly.resources("AWS::SageMaker::Model")
    assert "VpcConfig" not in model


def test_with_a_vpc_every_job_and_the_model_is_in_every_zone_of_it(options):
    network = options.template("dev", "network")
    subnets = {k for k, r in network["Resources"].items() if r["Type"] == "AWS::EC2::Subnet"}
    assert len(subnets) == 3
    exported = {
        output["Export"]["Name"].split(":")[1]
        for output in network["Outputs"].values()
        if output["Value"].get("Ref") in subnets
    }
    (model,) = options.resources("AWS::SageMaker::Model")
    placed = {step: network_of(options, step)[1] for step in STEPS}
    placed["model"] = {
        name: [plain_text(part) for part in parts] for name, parts in model["VpcConfig"].items()
    }
    assert all(set(config["Subnets"]) == exported for config in placed.values())
    groups = {step: config["SecurityGroupIds"] for step, config in placed.items()}
    assert "Training" in groups["TrainModel"][0]
    assert "Models" in groups["model"][0]
    assert all("Processing" in groups[step][0] for step in STEPS if step != "TrainModel")


def test_the_vpc_has_no_way_to_the_internet(options):
    kinds = {r["Type"] for r in options.template("dev", "network")["Resources"].values()}
    assert {kind for kind in kinds if re.search("Gateway|NatG|EIP|Route$|Peering", kind)} == set()
    assert not [s for s in options.resources("AWS::EC2::Subnet") if s["MapPublicIpOnLaunch"]]
    zones = [json.dumps(s["AvailabilityZone"]) for s in options.resources("AWS::EC2::Subnet")]
    assert len(set(zones)) == 3


def test_only_hosts_of_a_kind_and_processing_jobs_calls_come_into_a_security_group(options):
    groups = named(options, "AWS::EC2::SecurityGroup")
    inside = {name: group.get("SecurityGroupIngress", []) for name, group in groups.items()}
    let_in = {name: rules for name, rules in inside.items() if rules}
    assert [re.sub(r"\w{8}$", "", name) for name in let_in] == ["VpcSecurityGroupsEndpoints"]
    ((rule,),) = let_in.values()
    assert (rule["FromPort"], rule["ToPort"]) == (443, 443)
    assert "Processing" in json.dumps(rule["SourceSecurityGroupId"])
    for rule in named(options, "AWS::EC2::SecurityGroupIngress").values():
        assert rule["SourceSecurityGroupId"] == rule["GroupId"]
        if rule["IpProtocol"] == "tcp":
            assert "Training" in json.dumps(rule["GroupId"])
    for group in groups.values():
        assert {(rule["IpProtocol"], rule["ToPort"]) for rule in group["SecurityGroupEgress"]} <= {
            ("tcp", 443),
            ("icmp", 86),
        }


def test_the_vpcs_endpoints_are_those_that_containers_call_and_take_this_account_alone(options):
    found = {
        plain_text(endpoint["ServiceName"]).split(".", 3)[3]: endpoint
        for endpoint in options.resources("AWS::EC2::VPCEndpoint")
    }
    assert {name: endpoint["VpcEndpointType"] for name, endpoint in found.items()} == {
        "s3": "Gateway",
        "sagemaker.api": "Interface",
    }
    assert found["sagemaker.api"]["PrivateDnsEnabled"]
    for endpoint in found.values():
        for statement in endpoint["PolicyDocument"]["Statement"]:
            assert statement["Condition"] == {
                "StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}
            }
    (reached,) = found["s3"]["PolicyDocument"]["Statement"]
    buckets = {
        re.sub(r"^ExportsOutputFnGetAtt|[0-9A-F]{8}Arn.*$", "", plain_text(arn))
        for arn in reached["Resource"]
    }
    assert buckets == {"Drops", "Working", "Artifacts", "Inference"}


def test_what_fetches_the_serving_model_may_ask_the_same_through_the_endpoint(options):
    (endpoint,) = [
        e for e in options.resources("AWS::EC2::VPCEndpoint") if e["VpcEndpointType"] != "Gateway"
    ]
    (passes,) = endpoint["PolicyDocument"]["Statement"]
    asked = {
        action
        for statement in statements(options, "RolesServingModel")
        for action in as_list(statement["Action"])
        if action.startswith("sagemaker:")
    }
    assert set(passes["Action"]) == asked


def test_a_role_makes_network_interfaces_with_its_own_security_group_and_removes_those_of_the_vpc(
    assembly, options
):
    made, anywhere = {}, set()
    for policy in named(options, "AWS::IAM::Policy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = as_list(statement["Action"])
            if "ec2:CreateNetworkInterface" in actions:
                (role,) = policy["Roles"]
                groups = re.findall(r"SecurityGroups(\w+?)[0-9A-F]{8}", json.dumps(statement))
                made[re.sub(r"[0-9A-F]{8}$", "", plain_text(role))] = set(groups)
                if statement["Resource"] == "*":
                    assert "Condition" not in statement
                    anywhere.add(re.sub(r"[0-9A-F]{8}$", "", plain_text(role)))
            elif "ec2:DeleteNetworkInterface" in actions:
                assert set(statement["Condition"]["ArnEquals"]) == {"ec2:Vpc"}
    # SageMaker validates a processing job's role, and refuses one with resources or conditions.
    assert anywhere == {"RolesProcessing", "RolesServingModel", "RolesEvaluation"}
    assert made == {
        **{role: set() for role in anywhere},
        "RolesTraining": {"Training"},
        "EndpointRole": {"Models"},
    }
    without = {action for s in statements(assembly) for action in as_list(s["Action"])}
    assert {action for action in without if action.startswith("ec2:")} == set()


def test_a_models_role_sees_the_endpoints_of_the_vpc(options):
    looking = [
        plain_text(policy["Roles"][0])
        for policy in named(options, "AWS::IAM::Policy").values()
        if "ec2:DescribeVpcEndpoints" in json.dumps(policy)
    ]
    assert [re.sub(r"\w{8}$", "", role) for role in looking] == ["EndpointRole"]


def test_the_vpc_comes_before_what_uses_it_and_goes_after(assembly, options):
    assert "network" in dependencies(options, "training") & dependencies(options, "serving")
    assert "network" not in dependencies(assembly, "training") | dependencies(assembly, "serving")
    assert {"training", "serving"} <= dependencies(assembly, "network")


def test_no_option_takes_an_export_away_before_its_last_use(assembly, options):
    for unit in ("data", "images", "training", "trigger", "serving"):
        assert exports(assembly, unit) == exports(options, unit)


def test_isolation_is_taken_from_jobs_that_need_no_network_alone(assembly, options):
    needs_none = {"ShardImages", "EvaluateModel", "TrainModel"}
    assert {step for step in STEPS if network_of(assembly, step)[0]} == needs_none
    assert {step for step in STEPS if network_of(options, step)[0]} == set()
    (model,) = options.resources("AWS::SageMaker::Model")
    assert model["EnableNetworkIsolation"]


def test_every_bucket_but_that_of_access_logs_has_the_environments_key(options):
    keys = {}
    for name, bucket in named(options, "AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        by_default = rule["ServerSideEncryptionByDefault"]
        keys[re.sub(r"\w{8}$", "", name)] = by_default["SSEAlgorithm"]
        if by_default["SSEAlgorithm"] == "aws:kms":
            assert rule["BucketKeyEnabled"]
            assert "VolumeKey" in json.dumps(by_default["KMSMasterKeyID"])
    encrypted = dict.fromkeys(("Drops", "Working", "Artifacts", "Inference"), "aws:kms")
    assert keys == {**encrypted, "AccessLogs": "AES256"}


def test_queues_tables_and_log_groups_have_the_key(options):
    found = [
        *(queue["KmsMasterKeyId"] for queue in options.resources("AWS::SQS::Queue")),
        *(
            table["SSESpecification"]["KMSMasterKeyId"]
            for table in options.resources("AWS::DynamoDB::Table")
        ),
        *(group["KmsKeyId"] for group in options.resources("AWS::Logs::LogGroup")),
    ]
    assert found
    assert all("VolumeKey" in json.dumps(key) for key in found)


def test_what_jobs_and_endpoint_write_names_the_key(assembly, options):
    for step in STEPS:
        config = "OutputDataConfig" if step == "TrainModel" else "ProcessingOutputConfig"
        assert "VolumeKey" in options.definition().arguments(step)[config]["KmsKeyId"]
        assert "KmsKeyId" not in assembly.definition().arguments(step)[config]
    (configuration,) = options.resources("AWS::SageMaker::EndpointConfig")
    assert "VolumeKey" in json.dumps(configuration["DataCaptureConfig"]["KmsKeyId"])


def test_who_reads_or_writes_objects_may_use_the_key_through_s3_and_nobody_else(options):
    objects, keys, by_themselves = set(), set(), set()
    for policy in named(options, "AWS::IAM::Policy").values():
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = as_list(statement["Action"])
            if {"s3:GetObject", "s3:PutObject"} & set(actions):
                objects.add(json.dumps(policy["Roles"]))
            if "kms:Decrypt" in actions and "Volume" in json.dumps(statement["Resource"]):
                (operator,) = statement["Condition"]
                via = as_list(statement["Condition"][operator]["kms:ViaService"])
                if plain_text(via[0]).startswith("s3."):
                    keys.add(json.dumps(policy["Roles"]))
                    if operator == "StringEqualsIfExists":
                        by_themselves.add(re.sub(r"\w{8}$", "", plain_text(policy["Roles"][0])))
                        writes = "kms:GenerateDataKey" in actions
                        assert ("kms:Encrypt" in actions) == writes
    assert objects == keys
    # SageMaker asks as these itself, with no service in between, where a request names the key.
    assert by_themselves == {
        "RolesProcessing",
        "RolesServingModel",
        "RolesTraining",
        "RolesEvaluation",
        "EndpointRole",
    }


def test_without_the_option_no_role_may_decrypt_with_the_key(assembly):
    decrypting = [s for s in statements(assembly) if "kms:Decrypt" in as_list(s["Action"])]
    assert [s for s in decrypting if "VolumeKey" in json.dumps(s["Resource"])] == []


def test_the_key_lets_services_use_it_for_this_environment_or_account_alone(assembly, options):
    def services(found):
        (key,) = [k for name, k in named(found, "AWS::KMS::Key").items() if "Volume" in name]
        assert key["EnableKeyRotation"]
        return [s for s in key["KeyPolicy"]["Statement"] if "Service" in s["Principal"]]

    assert services(assembly) == []
    of_logs, of_events = services(options)
    (groups,) = of_logs["Condition"]["ArnLike"].values()
    names = {plain_text(group).rpartition(":log-group:")[2] for group in groups}
    assert names == {
        "/aws/sagemaker/Endpoints/shardwise-dev",
        *(f"shardwise-dev-{unit}-*" for unit in UNITS),
    }
    assert of_events["Condition"] == {
        "StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_the_boundary_is_on_every_role_and_on_none_without_it(assembly, options):
    bounds = [role.get("PermissionsBoundary") for role in options.resources("AWS::IAM::Role")]
    assert {plain_text(bound).rpartition(":policy/")[2] for bound in bounds} == {BOUNDARY}
    assert not [r for r in assembly.resources("AWS::IAM::Role") if "PermissionsBoundary" in r]


def test_the_boundary_that_is_shipped_allows_all_that_a_role_does(options):
    text = (REPOSITORY / "docs" / "permissions-boundary.json").read_text()
    allowed, denied = (
        {a for s in json.loads(text)["Statement"] if s["Effect"] == e for a in as_list(s["Action"])}
        for e in ("Allow", "Deny")
    )

    def among(action, patterns):
        return any(re.fullmatch(p.replace("*", ".*"), action, re.I) for p in patterns)

    needed = {action for s in statements(options) for action in as_list(s["Action"])}
    assert {action for action in needed if not among(action, allowed)} == set()
    assert {action for action in needed if among(action, denied)} == set()


def test_the_budget_counts_this_environment_and_tells_the_topic(assembly, options):
    assert not list(assembly.resources("AWS::Budgets::Budget"))
    (budget,) = options.resources("AWS::Budgets::Budget")
    assert budget["Budget"]["BudgetLimit"] == {"Amount": 500, "Unit": "USD"}
    assert [e["Tags"] for e in budget["Budget"]["FilterExpression"]["And"]] == [
        {"Key": "Project", "Values": ["shardwise"]},
        {"Key": "Environment", "Values": ["dev"]},
    ]
    told = {
        (n["Notification"]["NotificationType"], n["Notification"]["Threshold"])
        for n in budget["NotificationsWithSubscribers"]
    }
    assert told == {("ACTUAL", 80), ("FORECASTED", 100)}


def test_budgets_may_publish_where_there_is_one(assembly, options):
    def publishers(found):
        (policy,) = found.resources("AWS::SNS::TopicPolicy")
        keys = [k for n, k in named(found, "AWS::KMS::Key").items() if n.startswith("Notif")]
        documents = (policy["PolicyDocument"], *(key["KeyPolicy"] for key in keys))
        return ["budgets.amazonaws.com" in json.dumps(document) for document in documents]

    assert publishers(assembly) == [False, False]
    assert publishers(options) == [True, True]
