"""What is deployed, as CloudFormation tells it."""

import json
import re
from typing import Any

import boto3

from scripts.console import CommandError
from scripts.reviews.stacks import Stacks, Template

# Of these a name is left and no resource.
_NOT_THERE = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")


def deployed(session: boto3.Session, environment: str) -> Stacks:
    """The environment's stacks with the values of their parameters; none is no error.

    Raises:
        CommandError: a template is no JSON.
    """
    client = session.client("cloudformation")
    # A unit has no dash, so that those of dev-anna are not dev's.
    ours = re.compile(rf"shardwise-{re.escape(environment)}-([a-z]+)")
    templates: dict[str, Template] = {}
    parameters: dict[str, dict[str, str]] = {}
    for page in client.get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            found = ours.fullmatch(stack["StackName"])
            if found is None or stack["StackStatus"] in _NOT_THERE:
                continue
            body = client.get_template(StackName=stack["StackName"])["TemplateBody"]
            templates[found[1]] = _template(stack["StackName"], body)
            parameters[found[1]] = {
                parameter["ParameterKey"]: parameter.get("ParameterValue", "")
                for parameter in stack.get("Parameters", [])
            }
    label = "what is deployed" if templates else "nothing: no stack is deployed"
    return Stacks(label, templates, parameters)


def _template(name: str, body: Any) -> Template:
    # boto3 reads JSON by itself where CloudFormation says that it is.
    try:
        made: Template = json.loads(body if isinstance(body, str) else json.dumps(body))
    except ValueError as error:
        raise CommandError(
            f"The template of the stack {name} is no JSON, as the CDK writes it: deploy it by "
            "./scripts/cdk deploy first."
        ) from error
    return made
