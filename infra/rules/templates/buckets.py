"""Buckets that encrypt all that is written to them."""

from collections.abc import Mapping

from infra.assembly import Template
from infra.rules.templates.resources import resources, target


def encrypted_buckets(templates: Mapping[str, Template]) -> set[str]:
    """Their names as `infra.assembly.plain_text` writes them, in their own stack and in others.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
    """
    found = set()
    for bucket in resources(templates, "AWS::S3::Bucket"):
        if not bucket.properties.get("BucketEncryption"):
            continue
        found.add(bucket.logical_id)
        for output in templates[bucket.unit].get("Outputs", {}).values():
            if target(output["Value"]) == bucket.logical_id and "Export" in output:
                found.add(output["Export"]["Name"].partition(":")[2])
    return found
