"""A cluster in Docker containers, through kind: thin, as kind does the work.

Its commands and manifests are pure and unit-tested; it has not been run whole where this project was made, as no Docker
engine was at hand. Prometheus runs inside the cluster here, because Pods' addresses
cannot be reached from the host on every platform; its port is mapped to loopback.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import yaml

from devcluster import prometheus
from devcluster.cluster import Cluster
from devcluster.errors import DevClusterError
from devcluster.local.configuration import reader_role
from devcluster.paths import Toolbox, state_directory
from devcluster.programs import CLIENTS, build
from devcluster.progress import Progress

PROGRAMS = (*CLIENTS, "kind")
PROMETHEUS_IMAGE = "docker.io/prom/prometheus:v3.11.0"
PROMETHEUS_NODE_PORT = 30990
PROMETHEUS_URL = f"http://127.0.0.1:{PROMETHEUS_NODE_PORT}"
NAMESPACE = "coppice-dev"


def cluster_name(name: str) -> str:
    """kind's name of our cluster: prefixed, so that no other kind cluster is ever touched."""
    return f"coppice-dev-{name}"


def configuration() -> dict[str, Any]:
    """One node, Prometheus's port on loopback."""
    port = {
        "containerPort": PROMETHEUS_NODE_PORT,
        "hostPort": PROMETHEUS_NODE_PORT,
        "listenAddress": "127.0.0.1",
    }
    node = {"role": "control-plane", "extraPortMappings": [port]}
    return {"apiVersion": "kind.x-k8s.io/v1alpha4", "kind": "Cluster", "nodes": [node]}


def create_command(tools: Toolbox, name: str, kubeconfig: Path, configuration_file: Path) -> tuple[str, ...]:
    """Create the cluster; its kubeconfig goes to our file, not to ~/.kube."""
    return (
        tools.program("kind"), "create", "cluster", f"--name={cluster_name(name)}", f"--kubeconfig={kubeconfig}",
        f"--config={configuration_file}", "--wait=180s",
    )  # fmt: skip


def delete_command(tools: Toolbox, name: str, kubeconfig: Path) -> tuple[str, ...]:
    """Delete the cluster; kind succeeds when there is none."""
    return (tools.program("kind"), "delete", "cluster", f"--name={cluster_name(name)}", f"--kubeconfig={kubeconfig}")


def list_command(tools: Toolbox) -> tuple[str, ...]:
    """The names of all kind clusters, one a line."""
    return (tools.program("kind"), "get", "clusters")


def load_command(tools: Toolbox, name: str, image: str) -> tuple[str, ...]:
    """Load an image of the Docker engine into the cluster's node."""
    return (tools.program("kind"), "load", "docker-image", image, f"--name={cluster_name(name)}")


def prometheus_manifests() -> list[dict[str, Any]]:
    """Prometheus inside the cluster, with the scrape configuration that every provider uses."""
    labels = {"app.kubernetes.io/name": "prometheus"}
    group = "rbac.authorization.k8s.io"
    account = {"kind": "ServiceAccount", "name": "prometheus", "namespace": NAMESPACE}
    container = {
        "name": "prometheus",
        "image": PROMETHEUS_IMAGE,
        "args": ["--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/data"],
        "ports": [{"containerPort": prometheus.PORT}],
        "volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}, {"name": "data", "mountPath": "/data"}],
    }
    pod = {
        "serviceAccountName": "prometheus",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "prometheus"}}, {"name": "data", "emptyDir": {}}],
    }
    inside = {"namespace": NAMESPACE, "name": "prometheus"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": inside},
        reader_role("coppice-dev:reader"),
        {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "coppice-dev:prometheus"},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "coppice-dev:reader"},
            "subjects": [account],
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": inside,
            "data": {"prometheus.yml": yaml.safe_dump(prometheus.configuration(None), sort_keys=False)},
        },
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": inside,
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        },
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": inside,
            "spec": {
                "type": "NodePort",
                "selector": labels,
                "ports": [{"port": prometheus.PORT, "nodePort": PROMETHEUS_NODE_PORT}],
            },
        },
    ]


def up(name: str, progress: Progress) -> Cluster:
    """The kind cluster for `name`, created if there is none."""
    tools = build(PROGRAMS, progress)
    state = state_directory(name)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    cluster = Cluster(name, "kind", state / "admin.kubeconfig", PROMETHEUS_URL)
    if cluster_name(name) not in _run(list_command(tools)).split():
        file = state / "kind.yaml"
        file.write_text(yaml.safe_dump(configuration(), sort_keys=False))
        with progress.step("Create the kind cluster"):
            _run(create_command(tools, name, cluster.kubeconfig, file))
    with progress.step("Start Prometheus"):
        manifests = yaml.safe_dump_all(prometheus_manifests(), sort_keys=False)
        cluster.kubectl("apply", "--server-side", "-f", "-", stdin=manifests)
        cluster.kubectl("rollout", "status", "-n", NAMESPACE, "deployment/prometheus", "--timeout=180s")
    cluster.save()
    return cluster


def down(name: str, progress: Progress) -> None:
    """Delete the kind cluster for `name`."""
    tools = build(PROGRAMS, progress)
    with progress.step(f"Take the cluster {name} down"):
        _run(delete_command(tools, name, state_directory(name) / "admin.kubeconfig"))


def _run(command: tuple[str, ...]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise DevClusterError(f"`{' '.join(command)}` failed:\n{done.stderr.strip()}")
    return done.stdout
