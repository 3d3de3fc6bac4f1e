"""Actions in words."""

from collections.abc import Iterable

from scripts.reviews.names import listed

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
_WORD = {action: verb for verb, actions in _VERBS.items() for action in actions}


def verbs(actions: Iterable[str]) -> str:
    """E.g. `read and list`."""
    ranked = sorted(actions, key=_rank)
    said = dict.fromkeys(word for action in ranked if (word := _word(action)))
    others = [action for action in ranked if not _word(action)]
    return listed([*said, *([f"call {listed(others)} on"] if others else [])])


def _word(action: str) -> str:
    service, _, name = action.partition(":")
    everything = f"call everything of {service} on" if name == "*" else ""
    return _WORD.get(action.lower(), everything)


def _rank(action: str) -> tuple[int, str]:
    word = _WORD.get(action.lower())
    return (list(_VERBS).index(word) if word else len(_VERBS), action)
