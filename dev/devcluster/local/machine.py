"""The first process of the local cluster's namespaces: prepares them, starts everything, restarts what ends.

`python -m devcluster.local.machine STATE` is started by the keeper inside fresh PID, mount and network namespaces.
Its own parent half does nothing but reap orphans (every container's shim becomes one); when it ends, so does all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import yaml
from rich.console import Console

from devcluster.controlplane import ControlPlane
from devcluster.errors import DevClusterError
from devcluster.images.oci import single_program_image
from devcluster.local import cgroups
from devcluster.local.configuration import PAUSE_IMAGE
from devcluster.local.layout import PRIVATE_DIRECTORIES, Layout
from devcluster.local.node import UPSTREAM_DNS, Node, ctr
from devcluster.processes import POLL_SECONDS, Component, Running, start
from devcluster.programs import NODE, build
from devcluster.progress import Progress
from devcluster.servers import Endpoints

NETWORK_SECONDS = 15.0
NODE_SECONDS = 120.0
WATCH_SECONDS = 1.0
API_PORT = 6443

# What the kubelet sets at its start (setupKernelTunables in pkg/kubelet/cm/container_manager_linux.go, v1.36).
KERNEL_WIDE_SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def main(state: Path) -> int:
    """Split into the reaper (process 1) and the machine proper; the exit status is the machine's."""
    child = os.fork()
    if child:
        return _reap_until(child)
    progress = Progress(Console(file=sys.stdout, width=200))
    try:
        Machine(Layout.require(state), progress).run()
    except DevClusterError as error:
        progress.note(f"error: {error}")
        return 1
    return 0


def _reap_until(child: int) -> int:
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status)


class Machine:
    """Everything inside the namespaces, from mounts to Prometheus."""

    def __init__(self, layout: Layout, progress: Progress) -> None:
        self.layout = layout
        self.progress = progress
        self.running: list[Running] = []

    def run(self) -> None:
        """Bring the cluster up, say that it is ready, and watch over it until killed."""
        self.layout.ready.unlink(missing_ok=True)
        with self.progress.step("Prepare the node's namespaces"):
            prepare_mounts(self.layout)
            prepare_network(self.layout)
            cgroups.create(self.layout.cgroup.removeprefix("/"))
        control_plane = self._start_control_plane()
        node = Node(self.layout, build(NODE, self.progress), control_plane.authority, control_plane.url)
        with self.progress.step("Start the node"):
            self._start_node(node, control_plane)
        self.layout.ready.touch()
        self._watch(control_plane)

    def _start_control_plane(self) -> ControlPlane:
        endpoints = Endpoints(self.layout.addresses.node, API_PORT, 2379, 2380)
        return ControlPlane(self.layout.control_plane, endpoints=endpoints, progress=self.progress).start()

    def _start_node(self, node: Node, control_plane: ControlPlane) -> None:
        self.layout.run.mkdir(exist_ok=True)
        self._start(node.container_runtime())
        archive = single_program_image(PAUSE_IMAGE, Path(node.tools.program("pause")))
        subprocess.run((*ctr(self.layout), "images", "import", "-"), input=archive, check=True, capture_output=True)
        control_plane.kubectl(
            "apply", "--server-side", "-f", "-", stdin=yaml.safe_dump_all(node.manifests(), sort_keys=False)
        )
        for component in node.after_api_server():
            self._start(component())
        control_plane.kubectl(
            "wait", "--for=condition=Ready", f"node/{self.layout.node}", f"--timeout={NODE_SECONDS:.0f}s"
        )

    def _start(self, component: Component) -> None:
        self.progress.note(f"  {component.name}")
        running = start(component, self.layout.state / "logs", os.environ)
        self.running.append(running)
        running.wait_ready()

    def _watch(self, control_plane: ControlPlane) -> None:
        """Restart what ended, as a service manager would; the log keeps the reason."""
        while True:
            for running in [each for each in self.running if each.process.poll() is not None]:
                self.progress.note(
                    f"{running.component.name} ended with {running.process.returncode}; starting it again"
                )
                self.running.remove(running)
                self.running.append(start(running.component, running.log.parent, os.environ))
            control_plane.check_running()
            time.sleep(WATCH_SECONDS)


def prepare_mounts(layout: Layout) -> None:
    """Hide the host's run-time directories, shield its kernel settings, and let Pods' mounts propagate.

    The kubelet insists on writing settings that belong to the whole kernel; it writes to copies instead.
    """
    resolver = Path("/etc/resolv.conf").resolve()
    _call("mount", "--make-rshared", "/")
    for directory in PRIVATE_DIRECTORIES:
        _call("mount", "-t", "tmpfs", "-o", "mode=755", "coppice-dev", directory)
    decoys = Path("/run/coppice-dev/sysctl")
    decoys.mkdir(parents=True)
    for setting in KERNEL_WIDE_SETTINGS:
        decoy = decoys / setting.replace("/", ".")
        decoy.write_text(Path("/proc/sys", setting).read_text())
        _call("mount", "--bind", str(decoy), f"/proc/sys/{setting}")
    file = layout.state / "resolv.conf"
    file.write_text(f"nameserver {UPSTREAM_DNS}\n")
    if not resolver.exists():  # it lay below /run, as with systemd-resolved
        resolver.parent.mkdir(parents=True, exist_ok=True)
        resolver.touch()
    _call("mount", "--bind", str(file), str(resolver))


def prepare_network(layout: Layout) -> None:
    """Wait for the node's end of the veth pair, which the keeper hands in, and give it its address."""
    deadline = time.monotonic() + NETWORK_SECONDS
    while subprocess.run(("ip", "link", "show", "eth0"), capture_output=True, check=False).returncode != 0:
        if time.monotonic() > deadline:
            raise DevClusterError("The node's network interface did not appear; see the keeper's lines above.")
        time.sleep(POLL_SECONDS)
    _call("ip", "link", "set", "lo", "up")
    _call("ip", "address", "add", f"{layout.addresses.node}/30", "dev", "eth0")
    _call("ip", "link", "set", "eth0", "up")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _call(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
