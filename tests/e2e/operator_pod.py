"""The operator's pod in the cluster, and two ways to kill it without a word of warning."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

from demo.installation import SYSTEM_NAMESPACE
from devcluster.cluster import Cluster
from e2e.life import until

SELECTOR = "app.kubernetes.io/name=coppice,app.kubernetes.io/component=operator"
WHERE = ("-n", SYSTEM_NAMESPACE, "-l", SELECTOR)


def delete_by_force(cluster: Cluster) -> None:
    """What an impatient administrator does: the pod is gone from the API at once, its process is killed."""
    cluster.kubectl("delete", "pod", *WHERE, "--grace-period=0", "--force")
    until_ready(cluster)


def kill_process(cluster: Cluster) -> None:
    """What the kernel does when memory is short: SIGKILL to every process of the operator's container."""
    before = restarts(cluster)
    for pid in processes(cluster):
        os.kill(pid, signal.SIGKILL)
    until(lambda: restarts(cluster) > before, "the operator's container to be started again")
    until_ready(cluster)


def until_ready(cluster: Cluster) -> None:
    """Wait until an operator works again."""
    cluster.kubectl("rollout", "status", "-n", SYSTEM_NAMESPACE, "deployment", "-l", SELECTOR, "--timeout=300s")


def restarts(cluster: Cluster) -> int:
    """How often the containers of the operator's pods were started again."""
    return sum(one["restartCount"] for pod in _pods(cluster) for one in pod["status"].get("containerStatuses", ()))


def processes(cluster: Cluster) -> list[int]:
    """The operator's processes on this machine, which is the node of the local provider; never the sandbox's."""
    uids = {pod["metadata"]["uid"] for pod in _pods(cluster)}
    found = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _belongs(path, uids)]
    return [pid for pid in found if b"coppice-operator" in (Path("/proc") / str(pid) / "cmdline").read_bytes()]


def _belongs(process: Path, uids: set[str]) -> bool:
    try:
        groups = (process / "cgroup").read_text()
    except OSError:
        return False
    return any(uid in groups or uid.replace("-", "_") in groups for uid in uids)


def _pods(cluster: Cluster) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(cluster.kubectl("get", "pods", *WHERE, "-o", "json"))["items"]
    return items
