"""The local cluster is a real one while it runs, and nothing is left of it afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from devcluster import lifecycle
from devcluster.cluster import Cluster
from devcluster.images.containerd import import_archive
from devcluster.images.oci import single_program_image
from devcluster.local import cluster as local
from devcluster.local.layout import Layout
from devcluster.paths import state_directory
from devcluster.progress import Progress

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="the local provider needs root on Linux"
)

NAME = "devcluster-test"
IMAGE = "coppice.dev/kubectl:test"
NAMESPACE = "restricted"


@pytest.fixture(scope="module")
def fresh() -> Iterator[Cluster]:
    """A cluster of this module's own, on a fresh state."""
    local.down(NAME, Progress())
    cluster = lifecycle.up(NAME, "local", Progress())
    import_archive(state_directory(NAME), single_program_image(IMAGE, Path(cluster.tools.program("kubectl"))))
    cluster.kubectl("create", "namespace", NAMESPACE)
    cluster.kubectl("label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted")
    yield cluster
    local.down(NAME, Progress())


def claim(name: str) -> dict[str, object]:
    """A claim of the default storage class."""
    resources = {"requests": {"storage": "16Mi"}}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": resources},
    }


def restricted_pod(
    name: str, *arguments: str, limits: dict[str, str] | None = None, environment: dict[str, str] | None = None
) -> dict[str, object]:
    """A Pod that Pod Security `restricted` admits: kubectl, with the claim of the same name at /data."""
    container = {
        "name": "main",
        "image": IMAGE,
        "args": list(arguments),
        "env": [{"name": key, "value": value} for key, value in (environment or {}).items()],
        "resources": {"limits": limits or {}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "fsGroup": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": name}}],
        },
    }


def apply(cluster: Cluster, *documents: dict[str, object]) -> None:
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=yaml.safe_dump_all(documents))


def wait_succeeded(cluster: Cluster, name: str) -> None:
    condition = "--for=jsonpath={.status.phase}=Succeeded"
    cluster.kubectl("wait", "-n", NAMESPACE, condition, f"pod/{name}", "--timeout=90s", check=False)
    phase = cluster.kubectl("get", "-n", NAMESPACE, f"pod/{name}", "-o", "jsonpath={.status.phase}")
    assert phase == "Succeeded", cluster.kubectl("logs", "-n", NAMESPACE, name, check=False)


def test_a_restricted_pod_reaches_the_api_server_and_writes_to_its_claim(fresh: Cluster) -> None:
    apply(fresh, claim("reach"), restricted_pod("reach", "api-versions", "--cache-dir=/data/cache"))
    wait_succeeded(fresh, "reach")
    assert "batch/v1" in fresh.kubectl("logs", "-n", NAMESPACE, "reach").split()
    volume = fresh.kubectl("get", "pvc", "-n", NAMESPACE, "reach", "-o", "jsonpath={.spec.volumeName}")
    assert list((state_directory(NAME) / "volumes" / volume / "cache").iterdir())


def test_pods_find_services_by_name(fresh: Cluster) -> None:
    by_name = {"KUBERNETES_SERVICE_HOST": "kubernetes.default.svc.cluster.local"}
    apply(fresh, claim("name"), restricted_pod("name", "get", "--raw=/version", environment=by_name))
    wait_succeeded(fresh, "name")
    assert "gitVersion" in fresh.kubectl("logs", "-n", NAMESPACE, "name")


def test_a_deleted_claim_takes_its_directory_with_it(fresh: Cluster) -> None:
    apply(fresh, claim("gone"), restricted_pod("gone", "version", "--client", "--cache-dir=/data"))
    wait_succeeded(fresh, "gone")
    volume = fresh.kubectl("get", "pvc", "-n", NAMESPACE, "gone", "-o", "jsonpath={.spec.volumeName}")
    fresh.kubectl("delete", "-n", NAMESPACE, "pod/gone", "pvc/gone")
    fresh.kubectl("wait", "--for=delete", f"pv/{volume}", "--timeout=60s")
    assert not (state_directory(NAME) / "volumes" / volume).exists()


def test_an_advertised_accelerator_is_given_to_a_pod(fresh: Cluster) -> None:
    node = Layout.require(state_directory(NAME)).node
    patch = '[{"op": "add", "path": "/status/capacity/nvidia.com~1gpu", "value": "2"}]'
    fresh.kubectl("patch", "node", node, "--subresource=status", "--type=json", f"--patch={patch}")
    pod = restricted_pod("gpu", "version", "--client", "--cache-dir=/data", limits={"nvidia.com/gpu": "1"})
    apply(fresh, claim("gpu"), pod)
    wait_succeeded(fresh, "gpu")


def test_prometheus_answers_and_knows_its_job(fresh: Cluster) -> None:
    command = ("curl", "--silent", "--fail", f"{fresh.prometheus_url}/api/v1/status/config")
    assert "honor_labels: true" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_cluster_killed_whole_comes_back_with_its_objects(fresh: Cluster) -> None:
    kill_everything()
    again = lifecycle.up(NAME, "auto", Progress())
    assert again.kubectl("get", "namespace", NAMESPACE, "-o", "name").strip() == f"namespace/{NAMESPACE}"
    apply(again, claim("again"), restricted_pod("again", "api-versions", "--cache-dir=/data"))
    wait_succeeded(again, "again")


def test_nothing_is_left_after_a_crash_and_two_teardowns(fresh: Cluster) -> None:
    layout = Layout.require(state_directory(NAME))
    apply(fresh, claim("held"), restricted_pod("held", "get", "--raw=/api/v1/pods?watch=true", "--cache-dir=/data"))
    kill_everything()
    local.down(NAME, Progress())
    assert local.leftovers(layout) == []
    local.down(NAME, Progress())
    assert local.leftovers(layout) == []


def kill_everything() -> None:
    """SIGKILL every process whose command line names the cluster's state, as a crash of the machine's owner would."""
    state = str(state_directory(NAME)).encode()
    deadline = time.monotonic() + 30
    while victims := [entry for entry in processes() if state in command_line(entry)]:
        assert time.monotonic() < deadline, f"processes {victims} do not end"
        for victim in victims:
            try:
                os.kill(int(victim.name), signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.2)


def processes() -> list[Path]:
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""
