"""As group.py with two hosts, each a machine with a network of its own, joined by a cable.

Usage: python two_machines.py FOLDER. The one interface of each has a link-local address, which the
other machine does not reach, before the one that it reaches.
"""

import subprocess
import sys
import time
from pathlib import Path

from group import LAUNCH

MACHINE = """
ip link set lo up
until ip link show eth0; do sleep 0.1; done
ip address add 169.254.255.{number}/32 dev eth0
ip address add 10.9.0.{number}/24 dev eth0
ip link set eth0 up
exec {python} -c '{launch}' {folder}/algo-{number} algo-{number}
"""


def main(folder: Path) -> int:
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n10.9.0.1 algo-1\n10.9.0.2 algo-2\n")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
    machines = []
    for number in (1, 2):
        script = MACHINE.format(number=number, python=sys.executable, launch=LAUNCH, folder=folder)
        machines.append(
            subprocess.Popen(
                ["unshare", "--net", "--uts", "bash", "-c", script],
                stdout=(folder / f"algo-{number}.log").open("wb"),
                stderr=subprocess.STDOUT,
            )
        )
    outside = Path("/proc/self/ns/net").readlink()
    ends = ["end-1", "end-2"]
    subprocess.run(
        ["ip", "link", "add", ends[0], "type", "veth", "peer", "name", ends[1]], check=True
    )
    for machine, end in zip(machines, ends, strict=True):
        while Path(f"/proc/{machine.pid}/ns/net").readlink() == outside:
            time.sleep(0.05)
        place = ["netns", str(machine.pid), "name", "eth0"]
        subprocess.run(["ip", "link", "set", end, *place], check=True)
    return max(machine.wait() for machine in machines)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
