"""All that is replaced in MiniStack, in the order in which it is: one row a thing.

What stands in two rows is wrapped twice, by the later row outermost.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rehearsal.authorization.record import Record
from rehearsal.cloudformation import ResourceType
from rehearsal.cloudwatch.alarms import percentile
from rehearsal.ministack import (
    alarms,
    authorization,
    functions,
    metrics,
    objects,
    requests,
    resource_types,
    saving,
    stack_resources,
    stacks,
)
from rehearsal.ministack.access_logs import AccessLogs, keep_setting
from rehearsal.ministack.durable_tables import DurableTables
from rehearsal.ministack.loop import HttpService, handler
from rehearsal.ministack.patching import Patch

_ACTIONS = "core.iam_actions"
_EVALUATOR = "core.iam_evaluator"
_CLOUDWATCH = "services.cloudwatch"
_HANDLERS = "services.cloudformation.handlers"
_LAMBDA = "services.lambda_svc"
_LOGS = "services.cloudwatch_logs"
_PROVISIONERS = "services.cloudformation.provisioners"
_STACKS = "services.cloudformation.stacks"
_LARGE = (_CLOUDWATCH, _LOGS, "services.cloudformation")

# Parameters that several have.
_REQUEST = "method, path, headers, body, query_params"
_CREATE = "logical_id, props, stack_name"
_UPDATE = "physical_id, old_props, new_props, stack_name"
_UPDATE_NAMED = "physical_id, old_props, new_props, stack_name, logical_id"
_DELETE = "physical_id, props"
_ENFORCE = "access_key_id, iam_action, service, region, resource_arn, service_context"


def service_patches(name: str, target_prefix: str, service: HttpService) -> list[Patch]:
    """Routes the clients of a service of ours to it by the prefix of their `X-Amz-Target`; of
    SageMaker those of the runtime, too.
    """
    handle, pattern = handler(service), {"target_prefixes": [target_prefix]}
    return [
        Patch("app", f"SERVICE_HANDLERS/{name}", None, lambda _: handle),
        Patch("core.router", f"SERVICE_PATTERNS/{name}", None, lambda _: pattern),
    ]


def type_patches(types: Sequence[ResourceType], recorded_only: Sequence[str]) -> list[Patch]:
    """Our resource types in CloudFormation; those that are `recorded_only` do nothing, and are
    there where MiniStack does not have them itself.
    """
    runs = partial(resource_types.runs_on_worker_thread, {each.type_name for each in types})
    return [
        *(patch for each in types for patch in _our_type(each)),
        *(_recorded(name) for name in recorded_only),
        Patch(_STACKS, "_runs_on_worker_thread", "resource_type", runs),
    ]


def _our_type(kind: ResourceType) -> Iterator[Patch]:
    name = kind.type_name
    yield _of_type(name, None, lambda _: resource_types.handlers(kind))
    yield Patch(_PROVISIONERS, f"_REPLACING_PROPERTIES/{name}", None, lambda _: kind.replacing)
    named = {"name": kind.name_property}
    yield Patch(_PROVISIONERS, f"_CUSTOM_NAME_REPLACEMENT/{name}", None, lambda _: named)
    if kind.takes_tags:
        yield _stack_tags(name)


def _recorded(type_name: str) -> Patch:
    return _of_type(type_name, None, lambda old: old or resource_types.recording(type_name))


def _stack_tags(type_name: str) -> Patch:
    """A stack's tags come to a type in its property `Tags`, a list."""
    return Patch(
        _PROVISIONERS, f"_STACK_TAG_PROPERTY/{type_name}", None, lambda _: ("Tags", "list")
    )


def data_patches(state: Path, tables: DurableTables) -> list[Patch]:
    """S3, DynamoDB and ECR."""
    return [
        Patch("app", "SERVICE_HANDLERS/s3", _REQUEST, partial(objects.refuse_on_full_disk, state)),
        Patch("app", "SERVICE_HANDLERS/s3", _REQUEST, objects.tell_stored_file),
        Patch("services.dynamodb", "handle_request", _REQUEST, tables.handle_request),
        Patch("services.ecr", "_describe_images", "data", stack_resources.describe_images),
        Patch(
            "services.s3",
            "_list_object_versions",
            "bucket_name, query_params",
            objects.list_object_versions,
        ),
        Patch(
            "services.s3",
            "_resolve_sse_write_headers",
            "headers, bucket_name",
            objects.resolve_sse_write_headers,
        ),
        Patch(_PROVISIONERS, "_S3_BUCKET_CONFIGURATIONS", None, objects.bucket_configurations),
        Patch(_ACTIONS, "s3_additional_checks", _REQUEST, objects.additional_checks),
        Patch(_ACTIONS, "s3_access_point_resources", "resource_arn", objects.checked_resources),
    ]


def _changing(type_name: str, update: str, change: stack_resources.Change) -> tuple[Patch, Patch]:
    entry = f"_RESOURCE_HANDLERS/{type_name}"
    return (
        Patch(
            _PROVISIONERS, f"{entry}/create", _CREATE, partial(stack_resources.after_create, change)
        ),
        Patch(
            _PROVISIONERS, f"{entry}/update", update, partial(stack_resources.after_update, change)
        ),
    )


def _of_type(entry: str, parameters: str | None, replacement: Callable[..., Any]) -> Patch:
    return Patch(_PROVISIONERS, f"_RESOURCE_HANDLERS/{entry}", parameters, replacement)


def _operation(name: str, replacement: Callable[..., Any]) -> Patch:
    return Patch(_HANDLERS, f"_ACTION_HANDLERS/{name}", "params", replacement)


STACK_PATCHES: tuple[Patch, ...] = (
    _stack_tags("AWS::S3::Bucket"),
    *_changing("AWS::S3::Bucket", _UPDATE, stack_resources.tag_bucket),
    *_changing("AWS::Lambda::Function", _UPDATE_NAMED, functions.keep_dead_letters),
    _of_type("AWS::S3::Bucket/delete", _DELETE, stack_resources.delete_bucket),
    _of_type("AWS::DynamoDB::Table/delete", _DELETE, stack_resources.delete_table),
    _of_type("AWS::Logs::LogGroup/create", _CREATE, stack_resources.create_log_group),
    _of_type("AWS::IAM::Role/create", _CREATE, stack_resources.create_role),
    _of_type("AWS::IAM::Role/update", _UPDATE_NAMED, stack_resources.update_role),
    _of_type("AWS::Events::EventBusPolicy", None, stack_resources.event_bus_policy),
    _operation("UpdateStack", stacks.refuse_update),
    _operation("CreateChangeSet", stacks.refuse_update),
    _operation("ExecuteChangeSet", stacks.refuse_update),
    _operation("ExecuteChangeSet", stacks.keep_change_set),
    _operation("DeleteStack", stacks.refuse_delete),
    _operation("ListChangeSets", stacks.list_active_change_sets),
    _operation("DescribeStacks", stacks.name_change_sets),
    Patch(
        _STACKS,
        "_add_event",
        "stack_id, stack_name, logical_id, resource_type, status, reason, physical_id, "
        "detailed_status",
        stacks.add_event,
        importers=(_HANDLERS, "services.cloudformation.changesets"),
    ),
)
"""CloudFormation: resources of MiniStack's own types, and operations on stacks."""

FUNCTION_PATCHES: tuple[Patch, ...] = (
    Patch(
        "services.eventbridge", "_dispatch_to_lambda", "arn, payload", functions.dispatch_to_lambda
    ),
    Patch(_LAMBDA, "_execute_function", "func, event", functions.execute_function),
    Patch(_LAMBDA, "invoke_async_with_retry", "func, event", functions.invoke_async_with_retry),
    Patch(
        _LAMBDA,
        "_emit_lambda_logs",
        "func, request_id, log_text, error, duration_ms, log_source",
        functions.emit_lambda_logs,
    ),
    Patch(
        _LAMBDA,
        "_route_async_failure",
        "target_arn, func_name, event, result",
        functions.route_async_failure,
    ),
)
"""Lambda."""

METRIC_PATCHES: tuple[Patch, ...] = (
    Patch(_CLOUDWATCH, "_evaluate_alarm", "alarm", lambda _, alarm: alarms.evaluate_alarm(alarm)),
    # Under load there are many puts a second: all alarms are judged once a second anyway.
    Patch(_CLOUDWATCH, "_evaluate_all_alarms", "", lambda _: None),
    Patch(_CLOUDWATCH, "_percentile", "samples, pct", lambda _, *given: percentile(*given)),
    Patch(
        _CLOUDWATCH,
        "_dispatch_alarm_actions",
        "alarm, old_state, new_state, reason",
        alarms.dispatch_alarm_actions,
    ),
    Patch(
        _CLOUDWATCH,
        "_put_metric_alarm",
        "params, cbor_data, is_cbor, is_json",
        alarms.put_metric_alarm,
    ),
    Patch(_PROVISIONERS, "_cw_metric_alarm_record", "name, props", alarms.metric_alarm_record),
    Patch(_LOGS, "_put_metric_filter", "data", metrics.put_metric_filter),
    Patch(_LOGS, "_put_log_events", "data", metrics.put_log_events),
)
"""CloudWatch: its alarms, and the metric filters of its logs."""


def access_log_patches(logs: AccessLogs) -> list[Patch]:
    """S3's server access logs."""
    return [
        Patch("app", "SERVICE_HANDLERS/s3", _REQUEST, logs.handle_request),
        *_changing("AWS::S3::Bucket", _UPDATE, keep_setting),
        _of_type("AWS::S3::BucketPolicy/delete", _DELETE, logs.delete_bucket_policy),
    ]


SAVING_PATCHES: tuple[Patch, ...] = (
    Patch("core.persistence", "json", None, saving.json_in_one),
    *(Patch(service, "get_state", "", saving.state_itself) for service in _LARGE),
)
"""What is written every few seconds."""

_DECISION_PATCHES = (
    Patch(_EVALUATOR, "_fnmatch_compile", "pattern, ignore_case", authorization.compile_pattern),
    Patch(_EVALUATOR, "_resolve_condition_key", "key, ctx", authorization.resolve_condition_key),
    Patch(
        _EVALUATOR,
        "combine_resource_policy",
        "identity, ctx, policy, owner_account, required, limits",
        authorization.combine_resource_policy,
    ),
)


def authorization_patches(record: Record) -> list[Patch]:
    """IAM: what a request is in its words, and how it is decided."""
    request = f"service, {_REQUEST}"
    return [
        Patch(_ACTIONS, "SERVICE_TO_IAM_NAMESPACE/sagemaker", None, lambda _: "sagemaker"),
        Patch(_ACTIONS, "extract_iam_action", request, requests.extract_iam_action),
        Patch(
            _ACTIONS,
            "extract_resource_arn",
            f"{request}, region, account_id",
            requests.extract_resource_arn,
        ),
        Patch(
            _ACTIONS,
            "request_tag_context",
            "service, iam_action, body, params",
            requests.request_context,
        ),
        Patch(
            _ACTIONS,
            "access_denied_response",
            "service, action, principal_arn, request_id, error_code, message, headers, "
            "resource_arn, explicit_deny, resource_policy_arn",
            requests.access_denied_response,
        ),
        *_DECISION_PATCHES,
        Patch(_EVALUATOR, "enforce", _ENFORCE, objects.enforce_key_policies),
        Patch(_EVALUATOR, "enforce", _ENFORCE, partial(authorization.enforce, record)),
    ]
