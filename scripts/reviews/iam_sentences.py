"""Permissions as sentences: those that can be said at once, in words and not in actions."""

import re
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace

from scripts.reviews.iam_policies import Condition, Permission
from scripts.reviews.stacks import enumerated, role_name

# The most telling word first; an action without one is called by its name.
_VERBS = {
    "read": ("s3:getobject", "s3:getobjectversion", "s3:getobject*", "dynamodb:getitem"),
    "write": ("s3:putobject", "s3:abortmultipartupload", "dynamodb:putitem", "dynamodb:updateitem"),
    "delete": ("s3:deleteobject", "s3:deleteobjectversion", "s3:deleteobject*"),
    "list": ("s3:listbucket", "s3:listbucketversions", "s3:listbucket*", "s3:list*"),
    "query": ("dynamodb:query", "dynamodb:scan"),
    "encrypt with": (
        *("kms:encrypt", "kms:generatedatakey", "kms:generatedatakey*"),
        *("kms:generatedatakeywithoutplaintext", "kms:reencrypt*"),
    ),
    "decrypt with": ("kms:decrypt",),
    "let AWS's services use": ("kms:creategrant",),
    "describe": ("kms:describekey",),
    "assume": ("sts:assumerole", "sts:assumerolewithwebidentity", "sts:tagsession"),
    "pass": ("iam:passrole",),
    "send to": ("sqs:sendmessage",),
    "publish to": ("sns:publish",),
    "invoke": ("lambda:invokefunction", "sagemaker:invokeendpoint"),
    "write logs to": (
        *("logs:createlogstream", "logs:putlogevents"),
        *("logs:createloggroup", "logs:describelogstreams"),
    ),
    "put metrics to": ("cloudwatch:putmetricdata",),
    "pull": ("ecr:batchchecklayeravailability", "ecr:batchgetimage", "ecr:getdownloadurlforlayer"),
    "log in to": ("ecr:getauthorizationtoken",),
    "do anything to": ("*",),
    "have all that is allowed by": ("managed policy",),
}
_VERB = {action: verb for verb, actions in _VERBS.items() for action in actions}
_SHORT = re.compile(r"\.Arn\}")
# `arn:<partition>:<service>:<Region>:<account>:`, of which a reader needs the service.
_ARN = re.compile(
    r"arn:(?:\$\{[^}]*\}|[^:]*):([a-z0-9-]+):(?:\$\{[^}]*\}|[^:]*):(?:\$\{[^}]*\}|[^:]*):"
)
_OPERATORS = {
    **dict.fromkeys(("StringEquals", "ArnEquals", "Bool", "NumericEquals"), "is"),
    **dict.fromkeys(("StringLike", "ArnLike"), "is like"),
    **dict.fromkeys(("StringNotEquals", "ArnNotEquals"), "is not"),
    **dict.fromkeys(("StringNotLike", "ArnNotLike"), "is not like"),
}


@dataclass(frozen=True)
class Statement:
    """As many permissions as differ in actions, in resources or in one condition's value alone."""

    holder: str
    policy_of: str
    is_denied: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    is_inverted: bool
    is_elsewhere: bool


def grouped(permissions: Iterable[Permission]) -> list[Statement]:
    """Statements as few as can be said in one sentence each, in the order of the permissions."""
    statements = [_alone(permission) for permission in permissions]
    statements = _merged(statements, _by_actions, lambda s: {"actions": _all(x.actions for x in s)})
    statements = _merged(statements, _by_value, lambda s: {"conditions": (_alternatives(s),)})
    return _merged(statements, _by_resources, lambda s: {"resources": _all(x.resources for x in s)})


def _alone(p: Permission) -> Statement:
    return Statement(
        p.holder,
        p.policy_of,
        p.is_denied,
        p.actions,
        (p.resource,),
        p.conditions,
        p.is_inverted,
        p.is_elsewhere,
    )


def _merged(
    some: list[Statement],
    key: Callable[[Statement], Hashable],
    combine: Callable[[list[Statement]], dict[str, object]],
) -> list[Statement]:
    groups: dict[Hashable, list[Statement]] = {}
    for statement in some:
        groups.setdefault(key(statement), []).append(statement)
    return [
        replace(group[0], **combine(group)) if len(group) > 1 else group[0]  # type: ignore[arg-type]
        for group in groups.values()
    ]


def _by_actions(s: Statement) -> Hashable:
    # A sentence about several services has no verb that fits; what is left out can't be added.
    same = s.actions if s.is_inverted else s.actions[0].partition(":")[0].lower()
    return replace(s, actions=()), same


def _by_value(s: Statement) -> Hashable:
    if len(s.conditions) != 1:
        return s
    return replace(s, conditions=()), s.conditions[0].operator, s.conditions[0].key


def _by_resources(s: Statement) -> Hashable:
    return s if s.is_elsewhere else replace(s, resources=())


def _alternatives(some: list[Statement]) -> Condition:
    return replace(some[0].conditions[0], values=_all(s.conditions[0].values for s in some))


def _all(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({part for several in parts for part in several}))


class Sentences:
    """Says permissions in words.

    Attributes:
        is_role: whether a reference `${<unit>.<name>}` is to a role.
    """

    def __init__(self, is_role: Callable[[str], bool]) -> None:
        self._is_role = is_role

    def sentence(self, statement: Statement, verb: str, denied: str) -> str:
        """E.g. `The training role may now read s3://${data.Drops}/drops/*`.

        Args:
            verb: of what is allowed, e.g. `may now`.
            denied: of what is denied, e.g. `is no longer forbidden to`.
        """
        says = denied if statement.is_denied else verb
        text = f"{self.who(statement.holder)} {says} {self.clause(statement)}"
        return text[0].upper() + text[1:]

    def clause(self, statement: Statement) -> str:
        """E.g. `read s3://${data.Drops}/drops/*`."""
        if statement.is_inverted:
            what = f"do anything but {', '.join(statement.actions)} to"
        else:
            what = _verbs(statement.actions)
        return f"{what} {self._where(statement)}{_conditions(statement.conditions)}"

    def who(self, holder: str) -> str:
        """E.g. `the training role`."""
        return self._place(holder, "") if holder.startswith("${") else holder

    def _where(self, statement: Statement) -> str:
        service = statement.actions[0].partition(":")[0].lower()
        # In the policy of a key "*" is the key itself.
        resources = [
            statement.policy_of
            if place == "*" and service == "kms" and statement.policy_of
            else place
            for place in statement.resources
        ]
        places = enumerated(self._place(place, service) for place in resources)
        return f"{'anything but ' if statement.is_elsewhere else ''}{places}"

    def _place(self, resource: str, service: str) -> str:
        if resource == "*":
            return "any resource"
        if self._is_role(resource.replace(".Arn}", "}")):
            path = resource.strip("${}").removesuffix(".Arn").split(".", 1)[1]
            return f"the {role_name(path)} role"
        place = _ARN.sub(lambda found: _before(found[1], service), resource)
        is_bucket = service == "s3" and place.startswith("${")
        return f"{'s3://' if is_bucket else ''}{_SHORT.sub('}', place)}"


def _before(named: str, service: str) -> str:
    """What stands for an ARN's beginning."""
    if named == "s3":
        return "s3://"
    return "" if named == service else f"{named} "


def _conditions(conditions: tuple[Condition, ...]) -> str:
    if not conditions:
        return ""
    return ", where " + enumerated(
        f"{c.key} {_OPERATORS.get(c.operator, c.operator)} "
        f"{' or '.join(_SHORT.sub('}', value) for value in c.values)}"
        for c in conditions
    )


def _verbs(actions: Iterable[str]) -> str:
    """E.g. `read and list`."""
    ranked = sorted(actions, key=_rank)
    said = dict.fromkeys(word for action in ranked if (word := _verb(action)))
    others = [action for action in ranked if not _verb(action)]
    return enumerated([*said, *([f"call {enumerated(others)} on"] if others else [])])


def _verb(action: str) -> str:
    service, _, name = action.partition(":")
    everything = f"call everything of {service} on" if name == "*" else ""
    return _VERB.get(action.lower(), everything)


def _rank(action: str) -> tuple[int, str]:
    word = _VERB.get(action.lower())
    return (list(_VERBS).index(word) if word else len(_VERBS), action)
