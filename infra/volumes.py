"""Which instances take a KMS key for their storage volume."""

import re

# Instances with NVMe disks encrypt those in hardware, and SageMaker refuses a request that names a
# key for them:
# https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ResourceConfig.html
_LOCAL_DISKS = re.compile(
    r"ml\.(g[4-9]\w*|p3dn|p[4-9]\w*|trn\d\w*|[cmrxi]\d+[a-z]*d[a-z]*|i\d\w*)\."
)


def volume_key(instance_type: str, key_arn: str) -> str | None:
    """`key_arn`, or None where the instance type has local disks, which take no key."""
    return None if _LOCAL_DISKS.match(instance_type) else key_arn
