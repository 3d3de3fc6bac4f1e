"""Run inside new namespaces: hosts algo-1 ... algo-N on this machine, each with one launcher.

Usage: python group.py FOLDER HOSTS; FOLDER/algo-1, ... are the hosts' /opt/ml. The environment's
NAMES_AFTER says after how many seconds the hosts' names have addresses: "never", or 0.
"""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
LAUNCH = """
import socket, sys
from pathlib import Path
from training.__main__ import main
socket.sethostname(sys.argv[2])
sys.exit(main(["train"], Path(sys.argv[1])))
"""


def bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(any_socket, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))


def main(folder: Path, count: int) -> int:
    names = [f"algo-{number}" for number in range(1, count + 1)]
    lines = [f"127.0.0.{n + 2} {name}\n" for n, name in enumerate(names)]
    after = os.environ.get("NAMES_AFTER", "0")
    hosts = folder / "hosts"
    hosts.write_text("127.0.0.1 localhost\n" + "".join(lines if after == "0" else []))
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
    bring_loopback_up()
    launchers = [
        subprocess.Popen(
            ["unshare", "--uts", sys.executable, "-c", LAUNCH, str(folder / name), name],
            stdout=(folder / f"{name}.log").open("wb"),
            stderr=subprocess.STDOUT,
        )
        for name in names
    ]
    for name, launcher in zip(names, launchers, strict=True):
        (folder / f"{name}.pid").write_text(str(launcher.pid))
    if after not in ("0", "never"):
        time.sleep(float(after))
        # In place: the file is mounted.
        with hosts.open("a") as file:
            file.writelines(lines)
    return max(launcher.wait() for launcher in launchers)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
