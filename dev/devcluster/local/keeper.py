"""The one process of a local cluster that lives in the host's namespaces.

It starts the machine in fresh namespaces, hands it one end of a veth pair, lends it the host's network through
slirp4netns (user-mode NAT: no forwarding or packet rule on the host), and waits. The children die with it and it ends
with them, so killing any one of them takes the cluster down.

`python -m devcluster.local.keeper STATE` is started by `up`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from devcluster.errors import DevClusterError
from devcluster.local.layout import Layout
from devcluster.packages import require
from devcluster.processes import POLL_SECONDS, dies_with_its_starter

MACHINE_SECONDS = 10.0


def machine_command(state: Path) -> tuple[str, ...]:
    """The machine in namespaces of its own; it is killed when `unshare` is."""
    namespaces = ("--pid", "--mount", "--net", "--ipc", "--fork", "--mount-proc", "--kill-child=KILL")
    return ("unshare", *namespaces, "--", sys.executable, "-m", "devcluster.local.machine", str(state))


def link_commands(layout: Layout, machine: int) -> list[tuple[str, ...]]:
    """A veth pair between the host and the namespaces of process `machine`."""
    name = layout.addresses.interface
    return [
        ("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(machine)),
        ("ip", "address", "add", f"{layout.addresses.host}/30", "dev", name),
        ("ip", "link", "set", name, "up"),
    ]


def outward_command(machine: int) -> tuple[str, ...]:
    """The host's network for process `machine`, without the host's loopback."""
    return (
        require("slirp4netns"), "--configure", "--mtu=65520", "--disable-host-loopback", str(machine), "tap0",
    )  # fmt: skip


def main(state: Path) -> int:
    """Run the cluster of `state` until one of its parts ends."""
    layout = Layout.require(state)
    unshare = subprocess.Popen(dies_with_its_starter(machine_command(state)), stdin=subprocess.DEVNULL)
    outward: subprocess.Popen[bytes] | None = None
    try:
        machine = first_child(unshare.pid)
        for command in link_commands(layout, machine):
            subprocess.run(command, check=True)
        outward = subprocess.Popen(dies_with_its_starter(outward_command(machine)), stdin=subprocess.DEVNULL)
        return unshare.wait()
    finally:
        for process in (unshare, outward):
            if process is not None:
                process.kill()
                process.wait()


def first_child(parent: int) -> int:
    """The process that `unshare` forked, once it has namespaces of its own."""
    deadline = time.monotonic() + MACHINE_SECONDS
    while time.monotonic() < deadline:
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        own = Path("/proc/self/ns/net").readlink()
        for child in children:
            if Path(f"/proc/{child}/ns/net").readlink() != own:
                return int(child)
        time.sleep(POLL_SECONDS)
    raise DevClusterError("The node's first process did not start; is this machine allowed to make namespaces?")


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main(Path(sys.argv[1])))
