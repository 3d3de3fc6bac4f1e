"""The prepared changes, each reviewed rightly: one table.

Each is an edit of the sources that is synthesised, and its review is compared with what a person
has to see.
"""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from scripts.reviews.review import Review


@dataclass(frozen=True)
class Expected:
    """What a review must say.

    Attributes:
        says: texts that are in it, by section.
        findings: all its findings.
        blocked: those that end it with exit status 3 by our own review.toml.
    """

    says: dict[str, tuple[str, ...]]
    findings: frozenset[str] = frozenset()
    blocked: frozenset[str] = frozenset()


TABLE = {
    "bucket removed": Expected(
        {
            "": ("DATA LOSS in 1", "3 DESTROYED"),
            "Resources": (
                "DESTROYED: data/AccessLogs (S3 Bucket)",
                "DATA LOSS: its objects are deleted",
                "LoggingConfiguration.DestinationBucketName: ${data.AccessLogs} → (none)",
            ),
            "Rollback": ("not back: data/AccessLogs (S3 Bucket): it is made anew and empty",),
        },
        frozenset({"data-loss", "removal"}),
        frozenset({"data-loss"}),
    ),
    "role widened": Expected(
        {
            "": ("1 changed", "permissions WIDER in 2", "BLOCKED by iam-widening"),
            "Permissions": (
                "WIDER: The training role may now read s3://${data.Artifacts}/models/*",
                "s3:GetObject",
                "The training role may now list s3://${data.Artifacts}, where s3:prefix is like "
                "models/*",
            ),
        },
        frozenset({"iam-widening"}),
        frozenset({"iam-widening"}),
    ),
    "instance type doubled": Expected(
        {
            "": ("1 step of the pipeline changed",),
            "Pipeline": (
                "changed: step TrainModel",
                "ResourceConfig.InstanceType: ml.c5.2xlarge → ml.c5.4xlarge",
            ),
            "Costs": ("a run over 1,000,000 images", "2 x ml.c5.4xlarge", "prices of 20"),
        },
    ),
    "step added": Expected(
        {
            "Pipeline": (
                "added: step FetchChallenger (Processing)",
                "AppSpecification.ContainerArguments[--endpoint]: (none) → shardwise-dev",
            ),
            "Network": ("EXPOSED: step FetchChallenger runs without network isolation",),
        },
        frozenset({"network-exposure"}),
        frozenset({"network-exposure"}),
    ),
    "image changed": Expected(
        {
            "": ("3 steps of the pipeline changed",),
            "Pipeline": ("changed: step ShardImages", "ImageUri: image processing "),
            "Images and functions": (
                "image processing: 1 file changed",
                "changed: processing/processing/common/arguments.py",
            ),
            "Rollback": ("back: the former images",),
        },
    ),
    "comment only": Expected({"": ("dev: nothing changes",)}),
    "comment in an image": Expected(
        {
            "Images and functions": (
                "image processing: 1 file changed, comments only: its code is the same",
                "changed: processing/processing/common/arguments.py (comments only)",
            )
        },
    ),
    "parameter renamed": Expected(
        {
            "": ("dev: 1 changed",),
            "Parameters": (
                "pipeline: Epochs is now called TrainingEpochs",
                "whoever passes Epochs must pass TrainingEpochs",
            ),
        },
    ),
    "key rotated": Expected(
        {
            "": ("DATA LOSS in 1", "1 REPLACED, 1 DESTROYED, 1 added"),
            "Deployment": ("REFUSED: stack data can't drop the export",),
            "Resources": (
                "DESTROYED: data/VolumeKey (KMS Key)",
                "DATA LOSS: what it encrypts can't be read any more",
                "REPLACED: serving/Endpoint/Configuration",
                "the new data/VolumeKey2 (KMS Key) has the same properties",
            ),
            "Pipeline": ("ResourceConfig.VolumeKmsKeyId: ${data.VolumeKey.Arn} → ${data.Vol",),
            "Permissions": ("The training role may now let AWS's services use",),
            "Rollback": ("a new key takes its place, which can't read what the old one encrypted",),
        },
        frozenset({"data-loss", "removal", "replacement", "iam-widening", "deployment-refused"}),
        frozenset({"data-loss", "iam-widening", "deployment-refused"}),
    ),
    "endpoint renamed": Expected(
        {
            "Resources": (
                "REPLACED: serving/Endpoint/Endpoint (SageMaker Endpoint)",
                "whoever calls it by its old name is refused",
                "EndpointName: shardwise-dev → shardwise-dev-blue",
            ),
            "Rollback": ("it is made anew under its old name, and answers nobody until then",),
        },
        frozenset({"data-loss", "replacement", "iam-widening"}),
        frozenset({"data-loss", "iam-widening"}),
    ),
    "retention shortened": Expected(
        {
            "Resources": (
                "trigger/Starter/FunctionLogs (Logs LogGroup)",
                "DATA LOSS: retention is shortened: 14 days before, 7 days after",
                "RetentionInDays: 14 → 7",
            ),
            "Rollback": ("not back: what is deleted by then",),
        },
        frozenset({"data-loss"}),
        frozenset({"data-loss"}),
    ),
}


@pytest.mark.parametrize("change", TABLE)
def test_a_change_is_reviewed_rightly(change: str, reviewed: Callable[[str], Review]) -> None:
    review, expected = reviewed(change), TABLE[change]
    for title, texts in expected.says.items():
        said = _said(review, title)
        for text in texts:
            assert text in said, f"{title or 'summary'} lacks {text!r}:\n{said}"
    assert {finding.name for finding in review.findings} == expected.findings
    assert {verdict.finding.name for verdict in review.verdicts} == expected.blocked


@pytest.mark.parametrize("change", TABLE)
def test_what_a_change_does_not_touch_is_not_in_its_review(
    change: str, reviewed: Callable[[str], Review]
) -> None:
    """Sections that are expected to say nothing say nothing; costs and rollback follow changes."""
    told = {section.title for section in reviewed(change).sections}
    silent = {"Deployment", "Network", "Parameters", "Images and functions"}
    assert told & silent == set(TABLE[change].says) & silent


def test_a_definition_is_never_shown_as_a_string(reviewed: Callable[[str], Review]) -> None:
    for change in TABLE:
        assert '"Steps":' not in _said(reviewed(change), None)


def _said(review: Review, title: str | None) -> str:
    """The summary, a section or, without a title, all sections."""
    if title == "":
        return review.heading
    lines = []
    for section in review.sections:
        for entry in section.entries if title in (None, section.title) else ():
            lines += [entry.text, *entry.notes]
            lines += [
                f"{r.path}: {r.before or '(none)'} → {r.after or '(none)'}" for r in entry.rows
            ]
    return "\n".join(lines)
