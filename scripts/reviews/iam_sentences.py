"""Permissions as sentences: those that can be said at once, in words and not in actions."""

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any

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


def grouped(permissions: Iterable[Permission]) -> list[Permission]:
    """As few as can be said in one sentence each, in the order of the permissions."""
    some = _merged(permissions, _by_actions, lambda p: {"actions": _all(x.actions for x in p)})
    some = _merged(some, _by_value, lambda p: {"conditions": (_alternatives(p),)})
    return _merged(some, _by_resources, lambda p: {"resources": _all(x.resources for x in p)})


def _merged(
    some: Iterable[Permission],
    key: Callable[[Permission], Hashable],
    combine: Callable[[list[Permission]], dict[str, Any]],
) -> list[Permission]:
    groups = defaultdict(list)
    for permission in some:
        groups[key(permission)].append(permission)
    return [
        replace(group[0], **combine(group)) if len(group) > 1 else group[0]
        for group in groups.values()
    ]


def _by_actions(p: Permission) -> Hashable:
    # A sentence about several services has no verb that fits; what is left out can't be added.
    same = p.actions if p.is_inverted else p.actions[0].partition(":")[0].lower()
    return replace(p, actions=()), same


def _by_value(p: Permission) -> Hashable:
    if len(p.conditions) != 1:
        return p
    return replace(p, conditions=()), p.conditions[0].operator, p.conditions[0].key


def _by_resources(p: Permission) -> Hashable:
    return p if p.is_elsewhere else replace(p, resources=())


def _alternatives(some: list[Permission]) -> Condition:
    return replace(some[0].conditions[0], values=_all(s.conditions[0].values for s in some))


def _all(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({part for several in parts for part in several}))


class Sentences:
    """Says permissions in words; `is_role` tells whether `${<unit>.<name>}` refers to a role."""

    def __init__(self, is_role: Callable[[str], bool]) -> None:
        self._is_role = is_role

    def sentence(self, permission: Permission, verb: str, denied: str) -> str:
        """E.g. `The training role may now read s3://${data.Drops}/drops/*`, `may now` the verb."""
        says = denied if permission.is_denied else verb
        text = f"{self.who(permission.holder)} {says} {self.clause(permission)}"
        return text[0].upper() + text[1:]

    def clause(self, permission: Permission) -> str:
        """E.g. `read s3://${data.Drops}/drops/*`."""
        if permission.is_inverted:
            what = f"do anything but {', '.join(permission.actions)} to"
        else:
            what = _verbs(permission.actions)
        return f"{what} {self._where(permission)}{_conditions(permission.conditions)}"

    def who(self, holder: str) -> str:
        """E.g. `the training role`."""
        return self._place(holder, "") if holder.startswith("${") else holder

    def _where(self, permission: Permission) -> str:
        service = permission.actions[0].partition(":")[0].lower()
        # In the policy of a key "*" is the key itself.
        resources = [
            permission.policy_of
            if place == "*" and service == "kms" and permission.policy_of
            else place
            for place in permission.resources
        ]
        places = enumerated(self._place(place, service) for place in resources)
        return f"{'anything but ' if permission.is_elsewhere else ''}{places}"

    def _place(self, resource: str, service: str) -> str:
        if resource == "*":
            return "any resource"
        if self._is_role(resource.replace(".Arn}", "}")):
            path = resource.strip("${}").removesuffix(".Arn").split(".", 1)[1]
            return f"the {role_name(path)} role"
        beginnings = {service: "", "s3": "s3://"}
        place = _ARN.sub(lambda arn: beginnings.get(arn[1], f"{arn[1]} "), resource)
        is_bucket = service == "s3" and place.startswith("${")
        return f"{'s3://' if is_bucket else ''}{_SHORT.sub('}', place)}"


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
    words = list(dict.fromkeys(filter(None, map(_verb, ranked))))
    if others := [action for action in ranked if not _verb(action)]:
        words.append(f"call {enumerated(others)} on")
    return enumerated(words)


def _verb(action: str) -> str:
    service, _, name = action.partition(":")
    everything = f"call everything of {service} on" if name == "*" else ""
    return _VERB.get(action.lower(), everything)


def _rank(action: str) -> tuple[int, str]:
    word = _VERB.get(action.lower())
    return (list(_VERBS).index(word) if word else len(_VERBS), action)
