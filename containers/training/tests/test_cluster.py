"""The hosts, as SageMaker tells them."""

import json

import pytest

from training.common.container import UserError
from training.launch.cluster import read_cluster


def write(folder, **content):
    file = folder / "resourceconfig.json"
    file.write_text(json.dumps(content))
    return file


def test_every_host_agrees_on_the_leader_whatever_the_order(tmp_path):
    hosts = ["algo-10", "algo-2", "algo-1"]
    cluster = read_cluster(
        write(tmp_path, current_host="algo-2", hosts=hosts, network_interface_name="eth0")
    )
    assert cluster.hosts == ("algo-1", "algo-2", "algo-10")
    assert (cluster.leader, cluster.leads, cluster.others) == (
        "algo-1",
        False,
        ["algo-1", "algo-10"],
    )


def test_a_host_that_is_none_of_the_jobs_is_refused(tmp_path):
    file = write(tmp_path, current_host="algo-3", hosts=["algo-1"], network_interface_name="eth0")
    with pytest.raises(UserError, match="names the current host 'algo-3', which is none of"):
        read_cluster(file)


@pytest.mark.parametrize(
    "content",
    [
        {"current_host": "algo-1"},
        {"hosts": ["algo-1"]},
        {"current_host": "algo-1", "hosts": "algo-1"},
        {"current_host": "algo-1", "hosts": [1]},
    ],
)
def test_a_file_that_lacks_something_is_refused(tmp_path, content):
    with pytest.raises(UserError, match=r"cannot be read from .*: it has to be a JSON object with"):
        read_cluster(write(tmp_path, **content))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read from .*: No such file or directory\.$"):
        read_cluster(tmp_path / "resourceconfig.json")


@pytest.mark.parametrize("told", [{}, {"network_interface_name": None}])
def test_an_interface_need_not_be_named(tmp_path, told):
    cluster = read_cluster(write(tmp_path, current_host="algo-1", hosts=["algo-1"], **told))
    assert cluster.network_interface is None
