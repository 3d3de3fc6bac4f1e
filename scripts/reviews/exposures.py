"""What can be reached from the network or reaches out to it, and what is no longer encrypted."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from scripts.document import Entry, Row
from scripts.reviews.comparison import Comparison, Side
from scripts.reviews.policy import Finding

_WORLD = ("0.0.0.0/0", "::/0")
_BLOCKS = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
_DOORS = {
    "AWS::EC2::InternetGateway": "leads to the internet",
    "AWS::EC2::NatGateway": "leads to the internet",
    "AWS::EC2::VPCPeeringConnection": "leads to another VPC",
    "AWS::EC2::TransitGatewayAttachment": "leads to other networks",
}
_ENCRYPTION = ("Kms", "KMS", "Encrypt", "SSE", "Sse")  # of a property's or argument's name
Properties = Mapping[str, Any]


def exposure_findings(comparison: Comparison) -> Iterator[Finding]:
    """What is reachable, or reaches out, and did not before."""
    before = set(_exposures(comparison.before))
    for name, what in sorted(set(_exposures(comparison.after)) - before):
        yield Finding("network-exposure", f"{name} {what}")


def _exposures(side: Side) -> Iterator[tuple[str, str]]:
    for resource in side.resources.values():
        name = side.names.full(resource)
        if resource.type in _DOORS:
            yield name, _DOORS[resource.type]
        if check := _CHECKS.get(resource.type):
            for what in check(side.properties(resource)):
                yield name, what
    for step, content in side.definition.steps.items() if side.definition else ():
        for what in _step(content):
            yield f"step {step}", what


def _step(step: Mapping[str, Any]) -> Iterator[str]:
    arguments = step["Arguments"]
    network = arguments.get("NetworkConfig", arguments)
    if step.get("Type") in ("Processing", "Training"):
        if network.get("EnableNetworkIsolation") is not True:
            yield "runs without network isolation"
            if "VpcConfig" not in network:
                yield "reaches the internet, as it is in no VPC"
        if network.get("EnableInterContainerTrafficEncryption") is not True:
            yield "does not encrypt what its instances send each other"


def _rules(properties: Properties) -> Iterator[str]:
    """Of a security group, or of one rule of it that stands alone."""
    for rule in [properties, *properties.get("SecurityGroupIngress", [])]:
        cidr = rule.get("CidrIp") or rule.get("CidrIpv6")
        if cidr in _WORLD:
            ports = sorted({str(rule.get("FromPort", "any")), str(rule.get("ToPort", "any"))})
            yield f"lets the whole internet ({cidr}) in on port {' to '.join(ports)}"
    for rule in properties.get("SecurityGroupEgress", []):
        cidr = rule.get("CidrIp") or rule.get("CidrIpv6")
        if cidr in _WORLD:
            yield f"lets traffic out to anywhere ({cidr})"


def _bucket(properties: Properties) -> Iterator[str]:
    blocks = properties.get("PublicAccessBlockConfiguration", {})
    off = [name for name in _BLOCKS if blocks.get(name) is not True]
    if off:
        yield f"may be made public: {', '.join(off)} is off"
    if "WebsiteConfiguration" in properties:
        yield "is a website"


def _function_url(properties: Properties) -> Iterator[str]:
    if properties.get("AuthType") == "NONE":
        yield "answers the whole internet without credentials"


def _route(properties: Properties) -> Iterator[str]:
    to = properties.get("DestinationCidrBlock") or properties.get("DestinationIpv6CidrBlock")
    if to in _WORLD:
        yield f"leads to anywhere ({to})"


def _subnet(properties: Properties) -> Iterator[str]:
    if properties.get("MapPublicIpOnLaunch") is True:
        yield "gives public addresses"


def _model(properties: Properties) -> Iterator[str]:
    if properties.get("EnableNetworkIsolation") is not True:
        yield "serves without network isolation"
    if "VpcConfig" not in properties:
        yield "serves in no VPC"


_CHECKS: dict[str, Callable[[Properties], Iterator[str]]] = {
    "AWS::EC2::SecurityGroup": _rules,
    "AWS::EC2::SecurityGroupIngress": _rules,
    "AWS::S3::Bucket": _bucket,
    "AWS::Lambda::Url": _function_url,
    "AWS::EC2::Route": _route,
    "AWS::EC2::Subnet": _subnet,
    "AWS::SageMaker::Model": _model,
}


def encryption_findings(entries: Iterable[Entry]) -> Iterator[Finding]:
    """Of properties and arguments that name encryption and are gone, or off."""
    for entry in entries:
        for row in entry.rows:
            if any(word in row.path for word in _ENCRYPTION) and _is_off(row):
                yield Finding("encryption-loss", f"{entry.text}: {row.path} was {row.before}")


def _is_off(row: Row) -> bool:
    is_gone = row.before is not None and row.after is None
    return is_gone or (row.before, row.after) == ("true", "false")
