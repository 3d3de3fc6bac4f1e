"""Nothing that looks like a secret is written down.

Whoever may describe a pipeline, a function or a parameter reads its values:
https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-pipeline.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings

from infra.assembly import Template
from infra.rules import Finding
from infra.rules.resources import resources

# Known forms of tokens, and values of what is called password, secret, key … Entropy is left out:
# hashes of images and logical ids are as random as keys.
_FORMS = (
    "ArtifactoryDetector",
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "BasicAuthDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "KeywordDetector",
    "MailchimpDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "SquareOAuthDetector",
    "StripeDetector",
    "TelegramBotTokenDetector",
    "TwilioKeyDetector",
)
_READABLE = {
    "AWS::Lambda::Function": "Environment",
    "AWS::SSM::Parameter": "Value",
    "AWS::SageMaker::Model": "PrimaryContainer",
    "AWS::CloudFormation::Stack": "Parameters",
}
_SETTINGS = {"plugins_used": [{"name": form} for form in _FORMS]}


def check_secrets(subject: str, value: Any, path: str = "") -> Iterator[Finding]:
    """What looks like a secret in a value, which lies at `path` in its subject."""
    with transient_settings(_SETTINGS):
        for place, name, text in _named(value, path, path.rpartition(".")[2]):
            forms = sorted({found.type for found in scan_line(f'{name} = "{text}"')})
            if forms:
                wrong = (
                    f"the value looks like a secret ({', '.join(forms)}): keep it in Secrets "
                    "Manager and hand over its name"
                )
                yield Finding(subject, "secrets", place, wrong)


def _named(value: Any, path: str, name: str) -> Iterator[tuple[str, str, str]]:
    """(path, what it is called, text) of every plain string."""
    if isinstance(value, str):
        yield path, name, value
    elif isinstance(value, Mapping):
        # {"Name": "password", "DefaultValue": "…"} and {"Key": …, "Value": …} name what they hold.
        own = value.get("Name", value.get("Key"))
        for key, member in value.items():
            holds = key in ("Value", "DefaultValue") and isinstance(own, str)
            yield from _named(member, f"{path}.{key}".lstrip("."), own if holds else key)
    elif isinstance(value, list):
        # --password and its value are two items of one list.
        previous = name
        for number, item in enumerate(value):
            yield from _named(item, f"{path}[{number}]", previous)
            is_option = isinstance(item, str) and item.startswith("-")
            previous = item if is_option else name


def secrets_in(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Those in environments, parameters and outputs."""
    for resource in resources(templates, *_READABLE):
        member = _READABLE[resource.type]
        yield from check_secrets(resource.subject, resource.properties.get(member), member)
    for unit, template in templates.items():
        for section in ("Outputs", "Parameters"):
            yield from check_secrets(unit, template.get(section), section)
