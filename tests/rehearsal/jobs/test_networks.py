"""What network the hosts of a job have, and when they find one another by name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from rehearsal.images.runtime.namespaces import DEAD, DEAD_ADDRESS
from rehearsal.jobs.backend import ProcessBackend
from rehearsal.modes import Modes
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.jobs.support import complete, get, lines, processing, training

Image = Callable[[str], str]

# Whether its own name and the other's are known, at once and until they are.
LOOK_UP = """
    import socket, sys, time
    def known(name):
        try:
            return socket.gethostbyname(name)
        except OSError:
            return "unknown"
    print("first", known(socket.gethostname()), known("algo-2"), flush=True)
    while known("algo-2") == "unknown":
        time.sleep(0.05)
    print("then", known("algo-1"), known("algo-2"), flush=True)
"""


@pytest.fixture
def late(settings: RehearsalSettings) -> Iterator[ProcessBackend]:
    yield from backend_with(settings, Modes(late_names=2.0))


@pytest.fixture
def unkind(settings: RehearsalSettings) -> Iterator[ProcessBackend]:
    yield from backend_with(settings, Modes(dead_interface=True))


def backend_with(settings: RehearsalSettings, modes: Modes) -> Iterator[ProcessBackend]:
    backend = ProcessBackend(replace(settings, modes=modes), grace_seconds=2)
    yield backend
    backend.close()


def test_the_names_of_a_training_jobs_hosts_come_late(
    settings: RehearsalSettings, late: ProcessBackend, image: Image, bucket: str
) -> None:
    two = {"InstanceCount": 2, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}

    complete(settings, late, training("late-names", image(LOOK_UP), bucket, ResourceConfig=two))

    for said in lines(settings, "/aws/sagemaker/TrainingJobs", "late-names/").values():
        assert said == ["first unknown unknown", "then 127.0.0.2 127.0.0.3"]


def test_an_isolated_processing_job_has_no_names_at_all(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    program = """
        import json
        from pathlib import Path
        hosts = Path("/etc/hosts").read_text()
        Path("/opt/ml/processing/output/hosts.json").write_text(json.dumps(hosts))
    """
    isolated = {"EnableNetworkIsolation": True}

    complete(
        settings, backend, processing("nameless", image(program), bucket, NetworkConfig=isolated)
    )

    assert json.loads(get(settings, bucket, "out/hosts.json")) == "127.0.0.1 localhost\n"


# Its interfaces with their addresses, what it is told, and whether the other hosts answer by name.
INTERFACES = """
    import fcntl, json, socket, struct
    from pathlib import Path

    def address(name):
        request = struct.pack("256s", name.encode())
        with socket.socket() as any_socket:
            return socket.inet_ntoa(fcntl.ioctl(any_socket, 0x8915, request)[20:24])

    names = [name for _, name in socket.if_nameindex()]
    places = Path("/opt/ml/config"), Path("/opt/ml/input/config")
    (config,) = (place / "resourceconfig.json" for place in places if place.is_dir())
    told = json.loads(config.read_text())["network_interface_name"]
    print(told, {name: address(name) for name in names}, flush=True)
"""


def test_hosts_have_a_second_interface_that_leads_nowhere(
    settings: RehearsalSettings, unkind: ProcessBackend, image: Image, bucket: str
) -> None:
    two = {"InstanceCount": 2, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 1}
    isolated = {"EnableNetworkIsolation": True}
    uri = image(INTERFACES)

    complete(settings, unkind, training("two-interfaces", uri, bucket, ResourceConfig=two))
    complete(settings, unkind, processing("two-interfaces", uri, bucket, NetworkConfig=isolated))

    for kind, hosts in (("Training", 2), ("Processing", 1)):
        said = lines(settings, f"/aws/sagemaker/{kind}Jobs", "two-interfaces/")
        wanted = [f"lo {{'lo': '127.0.0.1', '{DEAD}': '{DEAD_ADDRESS}'}}"]
        assert list(said.values()) == [wanted] * hosts


def test_hosts_have_loopback_only_where_nothing_else_is_asked_for(
    settings: RehearsalSettings, backend: ProcessBackend, image: Image, bucket: str
) -> None:
    complete(settings, backend, training("one-interface", image(INTERFACES), bucket))

    (said,) = lines(settings, "/aws/sagemaker/TrainingJobs", "one-interface/").values()
    assert said == ["lo {'lo': '127.0.0.1'}"]
