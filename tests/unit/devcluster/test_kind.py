"""The kind provider's commands: only clusters of ours, and no file outside the state directory."""

from __future__ import annotations

from pathlib import Path

import yaml

from devcluster import kind
from devcluster.images.docker import build_command
from devcluster.images.targets import TARGETS
from devcluster.paths import Toolbox

TOOLS = Toolbox(Path("/bin-dir"))


def test_a_cluster_is_created_under_our_prefix_with_our_kubeconfig() -> None:
    assert kind.create_command(TOOLS, "dev", Path("/s/kubeconfig"), Path("/s/kind.yaml")) == (
        "/bin-dir/kind", "create", "cluster", "--name=coppice-dev-dev", "--kubeconfig=/s/kubeconfig",
        "--config=/s/kind.yaml", "--wait=180s",
    )  # fmt: skip


def test_only_our_cluster_is_deleted() -> None:
    assert kind.delete_command(TOOLS, "dev", Path("/s/kubeconfig"))[1:4] == (
        "delete", "cluster", "--name=coppice-dev-dev",
    )  # fmt: skip


def test_an_image_is_loaded_into_our_cluster() -> None:
    assert kind.load_command(TOOLS, "dev", "i:1") == (
        "/bin-dir/kind", "load", "docker-image", "i:1", "--name=coppice-dev-dev",
    )  # fmt: skip


def test_docker_builds_the_target_of_the_projects_dockerfile() -> None:
    image = TARGETS["trainer"]
    command = build_command(image, "coppice.dev/trainer:1")
    assert command[:2] == ("docker", "build")
    assert "--target=trainer" in command
    assert command[-1] == str(image.context)


def test_prometheus_port_is_mapped_to_loopback_only() -> None:
    (mapping,) = kind.configuration()["nodes"][0]["extraPortMappings"]
    assert mapping["listenAddress"] == "127.0.0.1"
    assert kind.PROMETHEUS_URL.endswith(f":{mapping['hostPort']}")


def test_prometheus_in_the_cluster_scrapes_as_a_service_account() -> None:
    manifests = {document["kind"]: document for document in kind.prometheus_manifests()}
    scrape = yaml.safe_load(manifests["ConfigMap"]["data"]["prometheus.yml"])["scrape_configs"][0]
    assert scrape["honor_labels"] is True
    assert scrape["kubernetes_sd_configs"] == [{"role": "endpoints"}]
