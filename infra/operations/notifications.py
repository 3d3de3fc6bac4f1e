"""Events that people are told of."""

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from constructs import Construct


def tell_of_failed_executions(scope: Construct, topic: sns.ITopic, pipeline_arn: str) -> None:
    events.Rule(
        scope,
        "ExecutionFailed",
        description="An execution of the pipeline failed",
        event_pattern=events.EventPattern(
            source=["aws.sagemaker"],
            detail_type=["SageMaker Model Building Pipeline Execution Status Change"],
            detail={
                "pipelineArn": [pipeline_arn],
                "currentPipelineExecutionStatus": ["Failed"],
            },
        ),
        targets=[targets.SnsTopic(topic)],
    )


def tell_of_models_taken_back(scope: Construct, topic: sns.ITopic, serving_stack: str) -> None:
    """:param serving_stack: its name; a reference would tie the two stacks together for ever."""
    stack_id = cdk.Stack.of(scope).format_arn(
        service="cloudformation", resource="stack", resource_name=f"{serving_stack}/"
    )
    events.Rule(
        scope,
        "ModelTakenBack",
        description="An update of the serving stack failed: the model of before serves on",
        event_pattern=events.EventPattern(
            source=["aws.cloudformation"],
            detail_type=["CloudFormation Stack Status Change"],
            detail={
                "stack-id": [{"prefix": stack_id}],
                "status-details": {
                    "status": ["UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_FAILED"]
                },
            },
        ),
        targets=[targets.SnsTopic(topic)],
    )
