"""The hosts, as SageMaker tells them, and names whose address comes late, never, or is useless."""

import json
import socket

import psutil
import pytest

from training.common.container import Stop, Stopped, UserError
from training.launch import cluster
from training.launch.cluster import Addresses, Cluster, find_addresses, read_cluster


def write(folder, **content):
    file = folder / "resourceconfig.json"
    file.write_text(json.dumps(content))
    return file


def test_every_host_agrees_on_the_leader_whatever_the_order(tmp_path):
    hosts = ["algo-10", "algo-2", "algo-1"]
    read = read_cluster(
        write(tmp_path, current_host="algo-2", hosts=hosts, network_interface_name="eth0")
    )
    assert read.hosts == ("algo-1", "algo-2", "algo-10")
    assert (read.leader, read.leads, read.others) == (
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
    read = read_cluster(write(tmp_path, current_host="algo-1", hosts=["algo-1"], **told))
    assert read.network_interface is None


HOSTS = ("algo-1", "algo-2", "algo-3")


@pytest.fixture
def names(monkeypatch):
    """Name to addresses, as DNS and /etc/hosts have them; `names` may change while a job waits."""
    known: dict[str, list[str]] = {}

    def look_up(host, *rest):
        if not known.get(host):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 0)) for each in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(cluster, "_LOOK_SECONDS", 0.01)
    return known


def test_one_host_needs_no_name(names):
    found = find_addresses(Cluster(("algo-1",), "algo-1"), Stop(), patience=0)
    assert (found.leader, found.own) == ("127.0.0.1", "127.0.0.1")
    assert found.interface in psutil.net_if_addrs()


@pytest.mark.parametrize("late", ["algo-1", "algo-2"])
def test_a_name_that_comes_late_is_waited_for_and_told(names, late, caplog):
    caplog.set_level("INFO")
    whole = {"algo-1": ["127.0.0.2"], "algo-2": ["127.0.0.3"]}
    names.update({name: where for name, where in whole.items() if name != late})

    class Late(Stop):
        looks = 0

        def pause(self, seconds):
            self.looks += 1
            if self.looks == 3:
                names.update(whole)

    found = find_addresses(Cluster(HOSTS, "algo-2"), Late(), patience=60)
    assert (found.leader, found.own) == ("127.0.0.2", "127.0.0.3")
    assert f"algo-2 waits for the address of {late} (0 s of 60 s)." in caplog.text


@pytest.mark.parametrize(
    ("known", "missing"),
    [
        ({}, "algo-1 and algo-2"),
        ({"algo-1": ["127.0.0.2"]}, "algo-2"),
        ({"algo-2": ["127.0.0.3"]}, "algo-1"),
    ],
)
def test_a_name_that_never_has_an_address_is_named(names, known, missing):
    names.update(known)
    with pytest.raises(UserError, match=rf"^algo-2 waited 0 s, and {missing} still had no address"):
        find_addresses(Cluster(HOSTS, "algo-2"), Stop(), patience=0)


def test_a_job_that_waits_for_names_can_be_stopped(names):
    stop = Stop()
    stop._ask(15, None)
    with pytest.raises(Stopped):
        find_addresses(Cluster(HOSTS, "algo-2"), stop, patience=60)


def test_a_name_s_routable_address_goes_before_its_link_local_one(names):
    names.update({"algo-1": ["169.254.255.1", "127.0.0.2"], "algo-2": ["127.0.0.3"]})
    found = find_addresses(Cluster(HOSTS, "algo-2"), Stop(), patience=0)
    assert found.leader == "127.0.0.2"


@pytest.mark.parametrize("named", ["169.254.255.7", "203.0.113.7"], ids=["link-local", "elsewhere"])
def test_where_the_own_name_is_of_no_use_the_route_to_the_leader_says_the_address(names, named):
    names.update({"algo-1": ["127.0.0.2"], "algo-2": [named]})
    found = find_addresses(Cluster(HOSTS, "algo-2"), Stop(), patience=0)
    assert found == Addresses("127.0.0.2", "127.0.0.1", found.interface)
    assert found.interface in psutil.net_if_addrs()


def test_a_host_that_no_interface_leads_away_from_says_so(names):
    names.update({"algo-1": ["255.255.255.255"], "algo-2": ["169.254.255.7"]})
    with pytest.raises(UserError, match=r"has its address 169\.254\.255\.7, nor one from which"):
        find_addresses(Cluster(HOSTS, "algo-2"), Stop(), patience=0)


def test_a_leader_whose_own_name_is_loopback_listens_where_others_reach_it(names, monkeypatch):
    # As an /etc/hosts with "127.0.1.1 algo-1" would have it.
    names.update({"algo-1": ["127.0.1.1"], "algo-2": ["203.0.113.7"]})
    routed = []

    class Route(socket.socket):
        def connect(self, place):
            routed.append(place[0])

        def getsockname(self):
            return ("203.0.113.1", 0)

    monkeypatch.setattr(socket, "socket", Route)
    found = find_addresses(Cluster(HOSTS, "algo-1"), Stop(), patience=0)
    assert (found.leader, found.own, routed) == ("203.0.113.1", "203.0.113.1", ["203.0.113.7"])
