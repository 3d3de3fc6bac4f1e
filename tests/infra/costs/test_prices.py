"""The price table: whole, plausible, and clear where it lacks something."""

import botocore.loaders
import pytest

from infra.costs import PriceError, load_prices
from infra.costs.prices import volume_key
from infra.settings import ENVIRONMENTS, load

PRICES = load_prices()
SHAPES = {
    "processing": "ProcessingInstanceType",
    "training": "TrainingInstanceType",
    "hosting": "ProductionVariantInstanceType",
}


@pytest.fixture(scope="module")
def sagemaker_types() -> dict[str, set[str]]:
    """What SageMaker's own service model takes, by use."""
    model = botocore.loaders.Loader().load_service_model("sagemaker", "service-2")
    return {use: set(model["shapes"][shape]["enum"]) for use, shape in SHAPES.items()}


@pytest.mark.parametrize("use", SHAPES)
def test_a_type_is_usable_just_where_sagemaker_takes_it(use, sagemaker_types):
    taken = {name for name in PRICES.instances if name in sagemaker_types[use]}
    assert {name for name, each in PRICES.instances.items() if use in each.uses} == taken


def test_the_instances_of_every_environment_have_a_price():
    for environment in ENVIRONMENTS:
        settings = load(environment)
        asked = {
            settings.manifests.instance_type: "processing",
            settings.shards.instance_type: "processing",
            settings.evaluation.instance_type: "processing",
            settings.serving_model.instance_type: "processing",
            settings.training.instance_type: "training",
            settings.endpoint.instance_type: "hosting",
        }
        for region in PRICES.regions:
            for instance, use in asked.items():
                assert PRICES.hour(instance, region, use) > 0


@pytest.mark.parametrize("region", PRICES.regions)
def test_of_one_family_twice_the_instance_costs_about_twice(region):
    hours = PRICES.region(region).hours
    for family in ("m5", "c5"):
        for name, hour in hours.items():
            instance = PRICES.instance(name)
            if instance.family == family:
                per_vcpu = hours[f"ml.{family}.xlarge"] / 4
                assert hour / instance.vcpus == pytest.approx(per_vcpu, rel=0.02)


def test_an_instance_that_takes_no_volume_has_disks_of_a_known_size():
    for name, instance in PRICES.instances.items():
        assert (instance.disk_gb is not None) == (volume_key(name, "key") is None), name


def test_more_vcpus_and_gpus_draw_more_and_load_more_than_idleness():
    small, large = PRICES.instance("ml.c5.xlarge"), PRICES.instance("ml.c5.9xlarge")
    assert small.idle_watts < small.watts < large.watts
    assert PRICES.instance("ml.p4d.24xlarge").watts > 8 * 400


def test_what_was_read_and_what_was_reckoned_are_told_apart():
    assert PRICES.is_confirmed("ml.m5.xlarge", "eu-west-1")
    assert not PRICES.is_confirmed("ml.c5.xlarge", "eu-west-1")
    assert not PRICES.region("eu-central-1").confirmed


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("ml.m5.xlrge", None, "training"), "no instance type ml.m5.xlrge; the nearest is ml.m5.x"),
        (
            ("ml.m5.xlarge", "eu-west-2", "training"),
            "no Region eu-west-2; the nearest is us-west-2",
        ),
        (("ml.p4d.24xlarge", "eu-west-1", "training"), "for eu-west-1 no price of ml.p4d.24xlarge"),
        (("ml.c5.large", None, "training"), "takes ml.c5.large for hosting and not for training"),
        (("ml.t3.medium", None, "hosting"), "for processing and training and not for hosting"),
    ],
)
def test_what_the_table_lacks_is_told_in_one_sentence_with_the_nearest(asked, sentence):
    with pytest.raises(PriceError) as raised:
        PRICES.hour(*asked)
    assert sentence in str(raised.value)
    assert str(raised.value).count("\n") == 0
