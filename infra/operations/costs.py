"""What a month and a run cost, on the dashboard: the same counts as in the review."""

from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch

from infra.assembly import Definition
from infra.costs import (
    EXAMPLE,
    PriceError,
    StepCost,
    load_prices,
    load_rates,
    monthly_cost,
    monthly_usd,
    run_cost,
)

# What costs by more than its number.
_LOOKED_INTO = frozenset(
    {
        "AWS::ApplicationAutoScaling::ScalableTarget",
        "AWS::EC2::VPCEndpoint",
        "AWS::SageMaker::EndpointConfig",
    }
)
_WIDTH = 24
_HEADING_ROWS = 1
_MONTH = "What does a month cost while nothing happens?"
_RUN = "What does a run cost?"


def show_costs(
    dashboard: cloudwatch.Dashboard,
    deployment: cdk.Stage,
    definition: Definition,
    region: str | None,
) -> None:
    """Adds two tables to the end of the page. Called when all that costs is made.

    Args:
        definition: of the pipeline; tokens may be inside.
        region: None where only the credentials say which: the table's first is reckoned with.
    """
    try:
        tables = [_month(deployment, region), _run(definition, region)]
    except PriceError as error:
        tables = [[f"### {_MONTH}", str(error)]]
    for lines in tables:
        height = _HEADING_ROWS + len(lines)
        dashboard.add_widgets(
            cloudwatch.TextWidget(markdown="\n".join(lines), width=_WIDTH, height=height)
        )


def _month(deployment: cdk.Stage, region: str | None) -> list[str]:
    """Raises:
    PriceError: the price table lacks the Region, or an instance type.
    """
    prices = load_prices()
    items = monthly_cost(_templates(deployment), prices, region)
    return [
        f"### {_MONTH} USD {monthly_usd(items):,.2f}",
        f"Prices of {prices.date} in {prices.region(region).name}; what is used comes on top.",
        "",
        "| what | USD | how it is counted |",
        "|---|---|---|",
        *(f"| {i.what} | {i.usd:,.2f} | {i.how} |" for i in items if i.usd is not None),
    ]


def _run(definition: Definition, region: str | None) -> list[str]:
    """Raises:
    PriceError: the price table lacks the Region, or an instance type.
    """
    prices, rates = load_prices(), load_rates()
    cost = run_cost(definition, rates, EXAMPLE, prices, region)
    return [
        f"### {_RUN} USD {cost.usd:,.2f} and {cost.seconds / 60:,.0f} min over "
        f"{EXAMPLE.objects:,} images of {EXAMPLE.mean_bytes / 1000:g} kB",
        f"An estimate by rates measured on {rates.measured.on}, "
        f"{cost.kg_co2e:.2f} kg CO2e; `./scripts/plan` reckons others.",
        "",
        "| step | USD | minutes | on |",
        "|---|---|---|---|",
        *(_step(step) for step in cost.steps),
    ]


def _step(step: StepCost) -> str:
    on = f"{step.count} x {step.instance}{' (spot)' if step.is_spot else ''}"
    if step.usd is None or step.seconds is None:
        return f"| {step.step} | not known | | {on}: {step.why} |"
    return f"| {step.step} | {step.usd:,.2f} | {step.seconds / 60:,.0f} | {on} |"


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
