"""What an environment costs in a month in which nothing happens, and what it asks by use."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.assembly import plain_text
from infra.costs.prices import HOURS_PER_MONTH, Prices, Region


@dataclass(frozen=True)
class Item:
    """What one kind of resource costs.

    Attributes:
        what: e.g. "ml.c5.large of the endpoint".
        usd: of a month of 730 hours; None where it is billed by use alone.
        how: how it was counted, or what its use costs.
    """

    what: str
    usd: float | None
    how: str


def monthly_cost(
    templates: Mapping[str, Mapping[str, Any]], prices: Prices, region: str | None
) -> tuple[Item, ...]:
    """What resources cost that are billed by the month or hour, and the prices of those by use.

    Free tiers and discounts are left out, and so is what is stored.

    Raises:
        PriceError: the price table lacks the Region, or an endpoint's instance type.
    """
    of_region = prices.region(region)
    found: dict[str, list[tuple[Mapping[str, Any], Mapping[str, Any]]]] = {}
    for template in templates.values():
        for resource in template.get("Resources", {}).values():
            entry = (resource.get("Properties", {}), template)
            found.setdefault(resource["Type"], []).append(entry)
    items: list[Item] = []
    for kind, resources in found.items():
        if kind == "AWS::SageMaker::EndpointConfig":
            for properties, template in resources:
                items += _endpoint(properties, template, prices, of_region)
        elif kind in _BY_MONTH:
            what, price = _BY_MONTH[kind]
            each, count = of_region.other[price], len(resources)
            items.append(Item(what, count * each, f"{count} x {each:g} USD"))
        elif kind == "AWS::EC2::VPCEndpoint":
            items += _interfaces([properties for properties, _ in resources], of_region)
        elif kind in _BY_USE:
            what, prices_in_words = _BY_USE[kind]
            an_hour = of_region.other["lambda_gb_second"] * 3600
            how = prices_in_words.format(**of_region.other, lambda_gb_hour=an_hour)
            items.append(Item(f"{len(resources)} {what}", None, how))
    return tuple(sorted(items, key=lambda item: (-(item.usd or 0), item.what)))


def monthly_usd(items: tuple[Item, ...]) -> float:
    """The sum of what is billed by the month or hour."""
    return sum(item.usd or 0 for item in items)


# Type of resource -> what it is called, and the price of one.
_BY_MONTH = {
    "AWS::KMS::Key": ("KMS keys", "kms_key_month"),
    "AWS::CloudWatch::Alarm": ("CloudWatch alarms", "alarm_month"),
    "AWS::CloudWatch::Dashboard": ("CloudWatch dashboards", "dashboard_month"),
    "AWS::Logs::MetricFilter": ("metrics of log filters, while they have data", "metric_month"),
}
# Type of resource -> what it is called, and its prices in words.
_BY_USE = {
    "AWS::S3::Bucket": (
        "buckets",
        "{s3_gb_month:g} USD a GB and month; {s3_thousand_writes:g} USD a thousand writes or "
        "lists, {s3_thousand_reads:g} USD a thousand reads",
    ),
    "AWS::Lambda::Function": (
        "Lambda functions",
        "{lambda_million_requests:g} USD a million calls, {lambda_gb_hour:.3f} USD a GB and hour",
    ),
    "AWS::Logs::LogGroup": (
        "log groups",
        "{logs_gb:g} USD a GB written, {logs_gb_month:g} USD a GB and month",
    ),
}


def _interfaces(endpoints: list[Mapping[str, Any]], region: Region) -> Iterator[Item]:
    """Interface endpoints are billed in each Availability Zone; those of S3 and DynamoDB are
    gateways, which are free.
    """
    interfaces = [each for each in endpoints if each.get("VpcEndpointType") == "Interface"]
    zones = sum(len(each.get("SubnetIds", ())) for each in interfaces)
    if zones:
        hour = region.other["interface_endpoint_hour"]
        yield Item(
            "VPC interface endpoints",
            zones * hour * HOURS_PER_MONTH,
            f"{len(interfaces)} endpoints, {zones} network interfaces x {hour:g} USD an hour; "
            f"{region.other['interface_endpoint_gb']:g} USD a GB",
        )


def _endpoint(
    properties: Mapping[str, Any], template: Mapping[str, Any], prices: Prices, region: Region
) -> Iterator[Item]:
    """Counts the fewest instances that are always there, once a model is approved."""
    fewest = _fewest_instances(template)
    for key in ("ProductionVariants", "ShadowProductionVariants"):
        for variant in properties.get(key, ()):
            if not isinstance(variant, Mapping) or "VariantName" not in variant:
                continue
            name = f"the endpoint's variant {plain_text(variant['VariantName'])}"
            if "ServerlessConfig" in variant:
                yield _serverless(name, variant["ServerlessConfig"], region)
                continue
            instance = plain_text(variant["InstanceType"])
            count = int(variant["InitialInstanceCount"]) if fewest is None else fewest
            hour = prices.hour(instance, region.name, "hosting")
            yield Item(
                f"{instance} of {name}",
                count * hour * HOURS_PER_MONTH,
                f"{count} x {hour:g} USD an hour, once a model is approved"
                + ("" if fewest is None else "; the fewest that autoscaling leaves"),
            )


def _fewest_instances(template: Mapping[str, Any]) -> int | None:
    for resource in template.get("Resources", {}).values():
        if resource["Type"] == "AWS::ApplicationAutoScaling::ScalableTarget":
            return int(resource["Properties"]["MinCapacity"])
    return None


def _serverless(name: str, config: Mapping[str, Any], region: Region) -> Item:
    second = region.other["serverless_gb_second"] * int(config["MemorySizeInMB"]) / 1024
    price = f"{second * 3600:.3f} USD an hour of answering"
    return Item(f"{config['MemorySizeInMB']} MB serverless of {name}", None, price)
