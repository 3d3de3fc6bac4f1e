"""cdk-nag's findings of wildcards in policies, acknowledged one by one where they are granted."""

import functools
import json
import re
from typing import Any

import aws_cdk as cdk
from constructs import IConstruct

_TOKEN = re.compile(r"\$\{Token\[[^\]]*\]\}")


def acknowledge_wildcard(construct: IConstruct, resource: str, reason: str) -> None:
    """Acknowledges that a policy at `construct` allows a resource with a wildcard.

    Args:
        resource: ARN with the wildcard, in which tokens may be.
        reason: why it has to be, a sentence.
    """
    finding = f"AwsSolutions-IAM5[Resource::{_as_found(construct, resource)}]"
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def _as_found(scope: IConstruct, resource: str) -> str:
    stack = cdk.Stack.of(scope)
    return _TOKEN.sub(lambda token: _token_as_found(stack, token[0]), resource)


# Most resources have the same few tokens, and each takes a dozen calls of the jsii kernel.
@functools.lru_cache
def _token_as_found(stack: cdk.Stack, token: str) -> str:
    references = _ForeignReferences(stack)
    cdk.Tokenization.resolve(token, scope=stack, resolver=references, preparing=False)
    return _flat(_imported(stack.resolve(token), references.imports))


class _ForeignReferences(cdk.DefaultTokenResolver):
    """Notes what of other stacks is referred to, which is an import only once all is synthesised.

    Attributes:
        imports: (reference, import) as CloudFormation writes them.
    """

    def __init__(self, stack: cdk.Stack) -> None:
        super().__init__(cdk.StringConcat())
        self._stack = stack
        self.imports: list[tuple[Any, Any]] = []

    def resolve_token(
        self, t: cdk.IResolvable, context: cdk.IResolveContext, post_processor: cdk.IPostProcessor
    ) -> Any:
        """Called by the CDK for each token."""
        if isinstance(t, cdk.Reference):
            owner = cdk.Stack.of(t.target)
            if owner.node.addr != self._stack.node.addr:
                self.imports.append((owner.resolve(t), owner.resolve(owner.export_value(t))))
        return super().resolve_token(t, context, post_processor)


def _imported(value: Any, imports: list[tuple[Any, Any]]) -> Any:
    for reference, imported in imports:
        if value == reference:
            return imported
    if isinstance(value, dict):
        return {key: _imported(part, imports) for key, part in value.items()}
    if isinstance(value, list):
        return [_imported(part, imports) for part in value]
    return value


def _flat(value: Any) -> str:
    """`flattenCfnReference` of cdk-nag: https://github.com/cdklabs/cdk-nag."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str() as separator, list() as parts]}:
            return separator.join(_flat(part) for part in parts)
        case {"Fn::GetAtt": [str() as name, str() as attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::ImportValue": str() as name}:
            return name
        case {"Ref": str() as name}:
            return f"<{name}>"
        case _:
            return json.dumps(value, separators=(",", ":"))
