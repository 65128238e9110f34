"""Up, down and status, whatever the provider."""

from __future__ import annotations

import shutil

from devcluster import context, kind
from devcluster.choice import choose, observe
from devcluster.cluster import Cluster
from devcluster.errors import DevClusterError
from devcluster.local import cluster as local
from devcluster.paths import state_directory
from devcluster.progress import Progress

STARTERS = {"kind": kind.up, "local": local.up, "context": context.up}


def up(name: str, wanted: str, progress: Progress) -> Cluster:
    """The cluster `name`, brought up if it does not run."""
    existing = Cluster.load(name)
    if existing is not None and wanted in {"auto", existing.provider}:
        provider = existing.provider
    elif existing is not None:
        raise DevClusterError(
            f"The cluster {name} exists with provider {existing.provider}; "
            f"take it down first, or choose another name with --name."
        )
    else:
        provider = choose(wanted, observe())
    progress.note(f"Cluster {name}, provider {provider}, state in {state_directory(name)}")
    return STARTERS[provider](name, progress)


def down(name: str, progress: Progress) -> None:
    """Remove the cluster and its state; a `context` cluster itself is left alone. Twice is harmless."""
    existing = Cluster.load(name)
    if existing is not None and existing.provider == "kind":
        kind.down(name, progress)
    if existing is None or existing.provider == "local":
        local.down(name, progress)
    shutil.rmtree(state_directory(name), ignore_errors=True)


def status(name: str) -> str:
    """A few lines for a person: what runs, where, and how to use it."""
    cluster = Cluster.load(name)
    if cluster is None:
        return f"There is no cluster {name}; `python -m devcluster up` starts one."
    nodes = cluster.kubectl("get", "nodes", "-o", "wide", check=False).strip()
    lines = [
        f"cluster     {cluster.name} (provider {cluster.provider})",
        f"kubeconfig  {cluster.kubeconfig}",
        f"prometheus  {cluster.prometheus_url or 'none with this provider'}",
        f"programs    {cluster.tools.bin}",
        "",
        nodes or "The API server does not answer; `python -m devcluster up` starts the cluster again.",
    ]
    return "\n".join(lines)
