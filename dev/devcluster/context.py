"""The user's own cluster, on explicit request only: nothing is created in it here, and nothing removed.

The current context is copied into our state directory, so that a later `kubectl config use-context` does not turn
tests and the demo to another cluster half-way.
"""

from __future__ import annotations

import os
import subprocess

from devcluster.cluster import Cluster
from devcluster.errors import DevClusterError
from devcluster.paths import state_directory
from devcluster.programs import CLIENTS, build
from devcluster.progress import Progress


def up(name: str, progress: Progress) -> Cluster:
    """A record of the cluster that kubectl points at now."""
    tools = build(CLIENTS, progress)
    shown = subprocess.run(
        (tools.program("kubectl"), "config", "view", "--minify", "--flatten"),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if shown.returncode != 0:
        raise DevClusterError(f"kubectl has no current context to use: {shown.stderr.strip()}")
    state = state_directory(name)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    kubeconfig = state / "admin.kubeconfig"
    with os.fdopen(os.open(kubeconfig, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(shown.stdout)
    cluster = Cluster(name, "context", kubeconfig)
    cluster.kubectl("get", "--raw", "/readyz")
    cluster.save()
    return cluster
