"""What is lost for good: data that goes with its resource, or sooner than before.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
"""

from collections.abc import Callable, Mapping
from typing import Any

from scripts.reviews.stacks import Resource

_KEEPING = ("Retain", "RetainExceptOnCreate", "Snapshot")
EMPTIER = "Custom::EmptyBucket"
# What a resource of a type holds.
_HELD = {
    "AWS::S3::Bucket": "its objects are deleted",
    "AWS::DynamoDB::Table": "its items are deleted",
    "AWS::DynamoDB::GlobalTable": "its items are deleted",
    "AWS::KMS::Key": "what it encrypts can't be read any more once its waiting period is over",
    "AWS::Logs::LogGroup": "its log events are deleted",
    "AWS::SageMaker::ModelPackageGroup": "its registered models are deleted",
    "AWS::SageMaker::FeatureGroup": "its features are deleted",
    "AWS::SQS::Queue": "its messages are deleted",
    "AWS::ECR::Repository": "its images are deleted",
    "AWS::EFS::FileSystem": "its files are deleted",
    "AWS::RDS::DBInstance": "its database is deleted",
    "AWS::RDS::DBCluster": "its database is deleted",
    "AWS::Kinesis::Stream": "its records are deleted",
    "AWS::SecretsManager::Secret": "its value is deleted once its recovery window is over",
    EMPTIER: "on its way out it empties its bucket, which stays and has the tag for that",
}
_EVER = float("inf")


def holds_data(resource: Resource) -> bool:
    """Whether there is something in it that can be lost."""
    return resource.type in _HELD


def lost_with(resource: Resource, policy: str) -> str | None:
    """What goes when it is deleted or replaced, by that policy; None where it keeps or has none."""
    is_kept = resource.declared.get(policy, "Delete") in _KEEPING
    return None if is_kept else _HELD.get(resource.type)


def lost_sooner(before: Resource, after: Resource) -> list[str]:
    """What an update of the same resource deletes, or no longer keeps, a sentence each."""
    return [
        sentence
        for look in _LOOKS.get(after.type, ())
        if (sentence := look(before.properties, after.properties))
    ]


def protection_lost(before: Resource, after: Resource) -> list[str]:
    """What a later deletion would take that it would not have taken before."""
    if not holds_data(after):
        return []
    weakened = [
        f"{policy} {before.declared[policy]} becomes {after.declared.get(policy, 'Delete')}"
        for policy in ("DeletionPolicy", "UpdateReplacePolicy")
        if before.declared.get(policy) in _KEEPING
        and after.declared.get(policy, "Delete") not in _KEEPING
    ]
    if before.properties.get("DeletionProtectionEnabled") and not after.properties.get(
        "DeletionProtectionEnabled"
    ):
        weakened.append("deletion protection is off")
    return weakened


Properties = Mapping[str, Any]


def _shorter(name: str, unit: str, default: float) -> Callable[[Properties, Properties], str]:
    def look(before: Properties, after: Properties) -> str:
        old, new = (_number(side.get(name), default) for side in (before, after))
        was = "for ever" if old == _EVER else f"{old:g} {unit}"
        return f"retention is shortened: {was} before, {new:g} {unit} after" if new < old else ""

    return look


def _number(value: Any, default: float) -> float:
    """A template's number, which may be text; a function is not known and counts as the default."""
    try:
        return float(value) if not isinstance(value, dict) and value is not None else default
    except (TypeError, ValueError):
        return default


def _unversioned(before: Properties, after: Properties) -> str:
    was, now = (
        side.get("VersioningConfiguration", {}).get("Status") == "Enabled"
        for side in (before, after)
    )
    return (
        "versions are no longer kept: what is overwritten or deleted is gone" if was > now else ""
    )


def _expires_sooner(before: Properties, after: Properties) -> str:
    old, new = _expirations(before), _expirations(after)
    sooner = [
        f"{what} after {days:g} days, before "
        + ("never" if old.get(what, _EVER) == _EVER else f"after {old[what]:g} days")
        for what, days in new.items()
        if days < old.get(what, _EVER)
    ]
    return f"versions expire sooner: {'; '.join(sooner)}" if sooner else ""


def _expirations(properties: Properties) -> dict[str, float]:
    """Days until something expires, by what it is."""
    expirations: dict[str, float] = {}
    for rule in properties.get("LifecycleConfiguration", {}).get("Rules", []):
        if rule.get("Status") != "Enabled":
            continue
        which = f"of {rule['Prefix']}*" if rule.get("Prefix") else "of all keys"
        noncurrent = rule.get("NoncurrentVersionExpiration", {}).get(
            "NoncurrentDays", rule.get("NoncurrentVersionExpirationInDays")
        )
        for what, days in (
            (f"current ones {which}", rule.get("ExpirationInDays")),
            (f"noncurrent ones {which}", noncurrent),
        ):
            if days is not None:
                expirations[what] = min(expirations.get(what, _EVER), _number(days, _EVER))
    return expirations


def _table(before: Properties, after: Properties) -> str:
    was, now = (
        side.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled", False)
        for side in (before, after)
    )
    return "point-in-time recovery is off: its backups are deleted" if was and not now else ""


def _disabled(before: Properties, after: Properties) -> str:
    is_off = before.get("Enabled", True) and after.get("Enabled", True) is False
    return "the key is disabled: what it encrypts can't be read while it is" if is_off else ""


_LOOKS: dict[str, tuple[Callable[[Properties, Properties], str], ...]] = {
    "AWS::Logs::LogGroup": (_shorter("RetentionInDays", "days", _EVER),),
    "AWS::SQS::Queue": (_shorter("MessageRetentionPeriod", "seconds", 345_600),),
    "AWS::Kinesis::Stream": (_shorter("RetentionPeriodHours", "hours", 24),),
    "AWS::S3::Bucket": (_unversioned, _expires_sooner),
    "AWS::DynamoDB::Table": (_table,),
    "AWS::KMS::Key": (_disabled,),
}
