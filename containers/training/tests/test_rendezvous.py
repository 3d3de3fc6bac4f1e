"""Hosts that come late, vanish or fail, as the others see them."""

import contextlib
import http.client
import socket

import pytest

from training.common.container import Stop, Stopped, UserError
from training.launch import rendezvous
from training.launch.cluster import Cluster
from training.launch.rendezvous import RollCall

HOSTS = ("127.0.0.1", "127.0.0.2")


@pytest.fixture
def port():
    with socket.create_server((HOSTS[0], 0)) as free:
        return free.getsockname()[1]


@pytest.fixture
def leader(port):
    cluster = Cluster(HOSTS, HOSTS[0], "lo")
    with rendezvous.held_by_leader(cluster, rendezvous.slots(cluster, 1), port):
        yield RollCall(cluster, Stop(), port)


@pytest.fixture
def other(port):
    return RollCall(Cluster(HOSTS, HOSTS[1], "lo"), Stop(), port)


def meet(*calls: RollCall) -> None:
    for call in calls:
        with contextlib.suppress(UserError):
            call.gather(patience=0)
    for call in calls:
        call.gather(patience=1)


def test_hosts_that_are_all_there_go_on(leader, other):
    meet(other, leader)
    leader.answer()
    other.answer()


def test_the_leader_names_the_host_that_does_not_come(leader):
    with pytest.raises(UserError, match=r"127\.0\.0\.1 waited 0 s for 127\.0\.0\.2 at "):
        leader.gather(patience=0)


def test_a_host_names_the_leader_that_does_not_come(other):
    with pytest.raises(UserError, match=r"127\.0\.0\.2 waited 0 s for 127\.0\.0\.1 at "):
        other.gather(patience=0)


def test_a_failure_is_told_to_the_others_with_its_reason(leader, other):
    meet(other, leader)
    other.leave("failed", "ValueError: no such layer")
    with pytest.raises(UserError, match=r"^127\.0\.0\.2 failed: ValueError: no such layer$"):
        leader.answer()


def test_a_stop_is_told_to_the_others(leader, other):
    meet(other, leader)
    other.leave("stopped")
    with pytest.raises(Stopped):
        leader.answer()


def test_a_host_that_ended_well_may_be_silent(leader, other, monkeypatch):
    meet(other, leader)
    other.leave("ended")
    monkeypatch.setattr(rendezvous, "SILENCE_SECONDS", 0.0)
    leader.answer()


def test_a_host_that_falls_silent_is_named(leader, other, monkeypatch):
    monkeypatch.setattr(rendezvous, "SILENCE_SECONDS", 0.0)
    meet(other, leader)
    with pytest.raises(UserError, match=r"^127\.0\.0\.2 has said nothing for"):
        leader.answer()


def test_an_exchange_is_two_requests_however_many_hosts(port, monkeypatch):
    hosts = ("127.0.0.1", *(f"127.0.0.{number}" for number in range(2, 40)))
    cluster = Cluster(hosts, hosts[0])
    with rendezvous.held_by_leader(cluster, rendezvous.slots(cluster, 1), port):
        calls = [RollCall(Cluster(hosts, host), Stop(), port) for host in hosts]
        meet(*calls)
        asked = []
        request = http.client.HTTPConnection.request

        def counted(self, method, *rest):
            asked.append(method)
            request(self, method, *rest)

        monkeypatch.setattr(http.client.HTTPConnection, "request", counted)
        calls[1].leave("failed", "no reason")
        assert asked == ["PUT", "GET"]
        with pytest.raises(UserError, match=r"^127\.0\.0\.2 failed: no reason$"):
            calls[30].answer()


def test_a_port_that_is_taken_is_named(port):
    cluster = Cluster(HOSTS, HOSTS[0], "lo")
    with (
        socket.create_server((HOSTS[0], port)),
        pytest.raises(UserError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already"),
        rendezvous.held_by_leader(cluster, rendezvous.slots(cluster, 1), port),
    ):
        pass
