"""The one way a Lambda function or its dead-letter queue is made here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import grants, sources
from infra.retention import log_retention, removal_policy
from infra.settings import Settings

_REPOSITORY = Path(__file__).parents[1]


def python_function(  # noqa: PLR0913 - CDK props
    scope: Construct,
    construct_id: str,
    *,
    handler: str,
    description: str,
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    dead_letter_queue: sqs.IQueue | None = None,
    timeout: cdk.Duration | None = None,
) -> lambda_.Function:
    """A function of `functions/`, with a role that may write its own logs and nothing else.

    Its folder and what all of them share are deployed as they lie there.

    An event that fails is tried twice more and then lies in `dead_letter_queue`, if there is one.

    Args:
        handler: `functions.<folder>.<module>.<function>`.
    """
    log_group = _log_group(scope, f"{construct_id}Logs", settings)
    role = _role(scope, f"{construct_id}Role", description, log_group)
    function = lambda_.Function(
        scope,
        construct_id,
        runtime=lambda_.Runtime.PYTHON_3_14,
        architecture=lambda_.Architecture.ARM_64,
        code=_code(handler.split(".")[1]),
        handler=handler,
        description=description,
        role=role,
        environment=dict(environment or {}),
        log_group=log_group,
        timeout=timeout or cdk.Duration.seconds(30),
        memory_size=256,
        retry_attempts=2 if dead_letter_queue else None,
        dead_letter_queue=dead_letter_queue,
    )
    _add_digests(function)
    return function


def retried(function: lambda_.IFunction, dead_letters: sqs.IQueue) -> targets.LambdaFunction:
    """A rule's target: an event that Lambda does not take is sent 24 times before it is dead."""
    return targets.LambdaFunction(function, dead_letter_queue=dead_letters, retry_attempts=24)


def event_rule(  # noqa: PLR0913 - a rule's own four, and its two ends
    scope: Construct,
    function: lambda_.IFunction,
    dead_letters: sqs.IQueue,
    construct_id: str,
    description: str,
    *,
    source: str,
    detail_type: str,
    detail: Mapping[str, Any],
    account: str | None = None,
) -> events.Rule:
    """Hands events to a function."""
    return events.Rule(
        scope,
        construct_id,
        description=description,
        event_pattern=events.EventPattern(
            account=[account] if account else None,
            source=[source],
            detail_type=[detail_type],
            detail=detail,
        ),
        targets=[retried(function, dead_letters)],
    )


def dead_letter_queue(scope: Construct, construct_id: str, settings: Settings) -> sqs.Queue:
    """An encrypted, TLS-only queue that keeps failed events as long as SQS can."""
    return sqs.Queue(
        scope,
        construct_id,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=cdk.Duration.days(14),
        removal_policy=removal_policy(settings),
    )


def _log_group(scope: Construct, construct_id: str, settings: Settings) -> logs.LogGroup:
    return logs.LogGroup(
        scope,
        construct_id,
        retention=log_retention(settings),
        removal_policy=removal_policy(settings),
    )


def _role(
    scope: Construct, construct_id: str, description: str, log_group: logs.LogGroup
) -> iam.Role:
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description=f"Lambda function: {description}",
    )
    grants.allow(role, ["logs:CreateLogStream", "logs:PutLogEvents"], [log_group.log_group_arn])
    return role


def _add_digests(function: lambda_.Function) -> None:
    """Adds the digests of the files that it is deployed of, for reviews."""
    asset = cast(s3_assets.Asset, function.node.find_child("Code"))
    staged = Path(cast(cdk.Stage, cdk.Stage.of(function)).asset_outdir)
    files = sources.digests(staged / f"asset.{asset.asset_hash}")
    cast(lambda_.CfnFunction, function.node.default_child).add_metadata(sources.METADATA, files)


def _code(folder: str) -> lambda_.Code:
    return lambda_.Code.from_asset(
        str(_REPOSITORY),
        exclude=[
            "*",
            "!functions",
            "functions/*",
            "!functions/__init__.py",
            f"!functions/{folder}",
            "!functions/shared.py",
            "**/__pycache__",
            "**/*.pyc",
        ],
        ignore_mode=cdk.IgnoreMode.DOCKER,
        # A link to a file beyond the folder is deployed as that file.
        follow_symlinks=cdk.SymlinkFollowMode.ALWAYS,
    )
