"""What an environment costs while nothing happens."""

import pytest

from infra.costs import HOURS_PER_MONTH, load_prices, monthly_cost, monthly_usd

PRICES = load_prices()


def template(**resources):
    return {"made": {"Resources": resources}}


def variant(**properties):
    return {
        "Type": "AWS::SageMaker::EndpointConfig",
        "Properties": {"ProductionVariants": [{"VariantName": "AllTraffic", **properties}]},
    }


def test_every_environment_has_its_endpoint_keys_alarms_and_dashboard(assembly):
    for environment, instances in (("dev", 1), ("prod", 2)):
        items = monthly_cost(assembly.templates(environment), PRICES, "us-east-1")
        by_name = {item.what: item for item in items}
        endpoint = by_name["ml.c5.large of the endpoint's variant AllTraffic"]
        assert endpoint.usd == pytest.approx(instances * 0.102 * HOURS_PER_MONTH)
        assert "once a model is approved" in endpoint.how
        counted = sum(
            resource["Type"] == "AWS::CloudWatch::Alarm"
            for made in assembly.templates(environment).values()
            for resource in made["Resources"].values()
        )
        assert by_name["CloudWatch alarms"].usd == pytest.approx(counted * 0.10)
        assert by_name["KMS keys"].usd >= 1
        assert monthly_usd(items) == pytest.approx(sum(item.usd or 0 for item in items))


def test_what_is_billed_by_use_has_its_price_and_no_sum(assembly):
    items = monthly_cost(assembly.templates("dev"), PRICES, None)
    buckets = next(item for item in items if item.what.endswith(" buckets"))
    assert buckets.usd is None
    assert "0.023 USD a GB and month" in buckets.how


def test_an_endpoint_that_scales_is_reckoned_with_its_fewest_instances():
    made = template(
        Config=variant(InstanceType="ml.m5.large", InitialInstanceCount=4),
        Target={
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {"MinCapacity": 0, "MaxCapacity": 8},
        },
    )
    [item] = monthly_cost(made, PRICES, None)
    assert item.usd == 0
    assert "the fewest that autoscaling leaves" in item.how


def test_a_serverless_endpoint_costs_nothing_until_it_is_asked():
    made = template(Config=variant(ServerlessConfig={"MemorySizeInMB": 2048, "MaxConcurrency": 5}))
    [item] = monthly_cost(made, PRICES, None)
    assert item.usd is None
    assert item.how == "0.144 USD an hour of answering"


def test_an_interface_endpoint_is_billed_in_each_zone_and_a_gateway_is_not():
    def endpoint(**properties):
        return {"Type": "AWS::EC2::VPCEndpoint", "Properties": properties}

    made = template(
        Logs=endpoint(VpcEndpointType="Interface", SubnetIds=["a", "b"]),
        SageMaker=endpoint(VpcEndpointType="Interface", SubnetIds=["a", "b"]),
        S3=endpoint(VpcEndpointType="Gateway"),
    )
    [item] = monthly_cost(made, PRICES, "eu-central-1")
    assert item.usd == pytest.approx(4 * 0.012 * HOURS_PER_MONTH)
