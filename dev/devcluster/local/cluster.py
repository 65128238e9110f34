"""Bring a local cluster up, take it down, and prove that nothing is left of it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from devcluster import prometheus
from devcluster.cluster import Cluster
from devcluster.errors import DevClusterError
from devcluster.local import cgroups
from devcluster.local.addresses import free_addresses
from devcluster.local.layout import Layout, refuse_private
from devcluster.packages import NODE as NODE_PACKAGES
from devcluster.packages import ensure
from devcluster.paths import cache_directory, state_directory
from devcluster.processes import POLL_SECONDS
from devcluster.programs import CLIENTS, CONTROL_PLANE, NODE, build
from devcluster.progress import Progress, Step

UP_SECONDS = 600.0
DOWN_SECONDS = 30.0
MODULES = ("devcluster.local.keeper", "devcluster.local.machine")


def up(name: str, progress: Progress) -> Cluster:
    """The cluster `name`, started if it does not run; state left by a crash is continued."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise DevClusterError("The local provider needs Linux and root, as it starts a real node with namespaces.")
    state = state_directory(name)
    for path in (state, cache_directory()):
        refuse_private(path)
    ensure(NODE_PACKAGES, progress)
    build((*CONTROL_PLANE, *CLIENTS, *NODE), progress)
    layout = Layout.load(state) or Layout(name, state, free_addresses(host_addresses()).index)
    if not (processes_of(state) and layout.ready.exists()):
        kill(layout)
        layout.save()
        with progress.step("Start the local cluster") as step:
            _start_keeper(layout, step)
    url = f"http://{layout.addresses.node}:{prometheus.PORT}"
    cluster = Cluster(name, "local", layout.kubeconfig, url)
    cluster.save()
    return cluster


def down(name: str, progress: Progress) -> None:
    """Remove every trace of the cluster `name`; harmless when there is none."""
    state = state_directory(name)
    layout = Layout.load(state) or Layout(name, state, 0)
    with progress.step(f"Take the cluster {name} down"):
        kill(layout)
        if state.exists():
            _refuse_mounts(state)
            shutil.rmtree(state)
    if left := leftovers(layout):
        raise DevClusterError("Still there after teardown: " + "; ".join(left))


def kill(layout: Layout) -> None:
    """End every process of the cluster and remove what the kernel keeps after them; files stay."""
    layout.ready.unlink(missing_ok=True)
    deadline = time.monotonic() + DOWN_SECONDS
    while processes := processes_of(layout.state):
        for process in processes:
            _kill_process(process)
        if time.monotonic() > deadline:
            raise DevClusterError(f"Processes {processes} of the cluster {layout.name} do not end.")
        time.sleep(POLL_SECONDS)
    if layout.index and _link_exists(layout):
        # The kernel removes it with the namespace a moment later; a link that is already gone is no failure.
        subprocess.run(("ip", "link", "delete", layout.addresses.interface), capture_output=True, check=False)
    cgroups.remove(layout.cgroup.removeprefix("/"))


def leftovers(layout: Layout) -> list[str]:
    """What still exists of a cluster: processes, interface, mounts, control groups, files. Empty after `down`."""
    found = [f"process {process}" for process in processes_of(layout.state)]
    if layout.index and _link_exists(layout):
        found.append(f"network interface {layout.addresses.interface}")
    found += [f"mount {mount}" for mount in mounts_below(layout.state)]
    found += [f"control group {group}" for group in cgroups.groups(layout.cgroup.removeprefix("/")) if group.exists()]
    if layout.state.exists():
        found.append(f"directory {layout.state}")
    return found


def processes_of(state: Path) -> list[int]:
    """The keeper, `unshare` and the machine of the cluster in `state`; all others end with the machine."""
    entries = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [int(entry.name) for entry in entries if is_cluster_process(_command_line(entry), state)]


def is_cluster_process(command: list[str], state: Path) -> bool:
    """Whether a command line is that of one of our modules, started for `state`."""
    return bool(command) and command[-1] == str(state) and any(module in command for module in MODULES)


def mounts_below(state: Path) -> list[str]:
    """Mount points below `state` that the host sees."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [point for point in points if Path(point).is_relative_to(state)]


def host_addresses() -> set[str]:
    """Every IPv4 address of the host's interfaces."""
    shown = subprocess.run(("ip", "-json", "address"), capture_output=True, text=True, check=True).stdout
    return {info["local"] for link in json.loads(shown) for info in link.get("addr_info", []) if "local" in info}


def _start_keeper(layout: Layout, step: Step) -> None:
    with layout.log.open("wb") as log:
        keeper = subprocess.Popen(
            (sys.executable, "-m", MODULES[0], str(layout.state)),
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd="/",
        )  # fmt: skip
    deadline = time.monotonic() + UP_SECONDS
    while not layout.ready.exists():
        said = layout.log.read_text(errors="replace").strip()
        if keeper.poll() is not None or time.monotonic() > deadline:
            kill(layout)
            raise DevClusterError(f"The local cluster did not start. {layout.log} ends with:\n{said[-3000:]}")
        if said:
            step.detail(said.splitlines()[-1].strip())
        time.sleep(POLL_SECONDS)


def _kill_process(process: int) -> None:
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        return


def _command_line(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:  # it ended meanwhile
        return []


def _link_exists(layout: Layout) -> bool:
    return Path("/sys/class/net", layout.addresses.interface).exists()


def _refuse_mounts(state: Path) -> None:
    if mounts := mounts_below(state):
        raise DevClusterError(f"{', '.join(mounts)} is mounted below {state}; unmount it before `down` removes files.")
