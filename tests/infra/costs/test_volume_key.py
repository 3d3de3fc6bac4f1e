import pytest

from infra.costs.prices import volume_key


@pytest.mark.parametrize(
    "instance_type", ["ml.m5.large", "ml.c5.2xlarge", "ml.p3.2xlarge", "ml.r5.xlarge"]
)
def test_an_instance_without_local_disks_takes_the_key(instance_type):
    assert volume_key(instance_type, "key") == "key"


@pytest.mark.parametrize(
    "instance_type",
    ["ml.g5.xlarge", "ml.g4dn.xlarge", "ml.p4d.24xlarge", "ml.m5d.large", "ml.c6id.large"],
)
def test_an_instance_with_local_disks_takes_none(instance_type):
    assert volume_key(instance_type, "key") is None
