"""What a month costs, on the dashboard: the same count as in the review."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.costs import PriceError, load_prices, monthly_cost, monthly_usd

# What costs by more than its number.
_LOOKED_INTO = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::EC2::VPCEndpoint",
        "AWS::SageMaker::EndpointConfig",
    }
)
_WIDTH = 24
_HEADING_ROWS = 4
_QUESTION = "What does a month cost while nothing happens?"


def show_monthly_cost(
    dashboard: cloudwatch.Dashboard, deployment: cdk.Stage, region: str | None
) -> None:
    """Adds the table to the end of the page. Called when all that costs is made.

    :param region: None where only the credentials say which: the table's first is reckoned with.
    """
    rows = 1
    try:
        text, rows = _table(deployment, region)
    except PriceError as error:
        text = f"### {_QUESTION}\n{error}"
    dashboard.add_widgets(
        cloudwatch.TextWidget(markdown=text, width=_WIDTH, height=_HEADING_ROWS + rows)
    )


def _table(deployment: cdk.Stage, region: str | None) -> tuple[str, int]:
    """The text, and how many rows its table has.

    :raises PriceError: the price table lacks the Region, or an instance type.
    """
    prices = load_prices()
    items = monthly_cost(_templates(deployment), prices, region)
    by_month = [item for item in items if item.usd is not None]
    lines = [
        f"### {_QUESTION} USD {monthly_usd(items):,.2f}",
        f"Prices of {prices.date} in {prices.region(region).name}; what is used comes on top.",
        "",
        "| what | USD | how it is counted |",
        "|---|---|---|",
        *(f"| {item.what} | {item.usd:,.2f} | {item.how} |" for item in by_month),
    ]
    return "\n".join(lines), len(by_month)


def _templates(deployment: cdk.Stage) -> dict[str, Mapping[str, Any]]:
    """Templates by stack as far as `monthly_cost` reads them: they are not written yet."""
    found: dict[str, dict[str, Any]] = {}
    for node in deployment.node.find_all():
        if isinstance(node, cdk.CfnResource):
            stack = cdk.Stack.of(node)
            resources = found.setdefault(stack.stack_name, {})
            resources[node.node.path] = {
                "Type": node.cfn_resource_type,
                "Properties": _properties(stack, node),
            }
    return {name: {"Resources": resources} for name, resources in found.items()}


def _properties(stack: cdk.Stack, resource: cdk.CfnResource) -> dict[str, Any]:
    if resource.cfn_resource_type not in _LOOKED_INTO:
        return {}
    written: dict[str, Any] = stack.resolve(resource._render_properties(resource._cfn_properties))
    return written
