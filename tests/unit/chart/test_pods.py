"""The chart's own pods: Pod Security "restricted", and started with words that the operator knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]
ALLOWED_VOLUMES = {"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected"}


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and spec of every pod that the manifests make."""
    for manifest in manifests:
        if manifest["kind"] == "Pod":
            yield manifest["metadata"]["name"], manifest["spec"]
        elif manifest["kind"] in {"Deployment", "Job"}:
            yield manifest["metadata"]["name"], manifest["spec"]["template"]["spec"]


def breaches(pod: dict[str, Any]) -> Iterator[str]:
    """What in a pod goes beyond Pod Security "restricted", or has a writable root."""
    security = pod.get("securityContext", {})
    if security.get("runAsNonRoot") is not True:
        yield "may run as root"
    if security.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "has no seccomp profile"
    yield from (f"sets {key}" for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key))
    for volume in pod.get("volumes", []):
        yield from (f"mounts {kind}" for kind in volume if kind != "name" and kind not in ALLOWED_VOLUMES)
    for container in [*pod.get("initContainers", []), *pod["containers"]]:
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False:
            yield f"{container['name']} may gain privileges"
        if own.get("capabilities") != {"drop": ["ALL"]}:
            yield f"{container['name']} keeps capabilities"
        if own.get("readOnlyRootFilesystem") is not True:
            yield f"{container['name']} can write to its root"
        if "memory" not in container.get("resources", {}).get("limits", {}):
            yield f"{container['name']} has no memory limit"


def test_every_pod_is_restricted(everything: list[Manifest]) -> None:
    found = dict(pods(everything))
    assert set(found) == {"coppice", "coppice-test"}
    assert {name: list(breaches(pod)) for name, pod in found.items()} == {"coppice": [], "coppice-test": []}


def test_probes_and_the_service_ask_ports_that_the_container_opens(chart: Any) -> None:
    container = operator_container(chart)
    opened = {port["name"] for port in container["ports"]}
    probed = {container[probe]["httpGet"]["port"] for probe in ("livenessProbe", "readinessProbe")}
    assert probed | {port["targetPort"] for port in chart.one("Service")["spec"]["ports"]} <= opened


def test_only_the_operator_gets_a_token(everything: list[Manifest]) -> None:
    tokens = {name: pod["automountServiceAccountToken"] for name, pod in pods(everything)}
    assert tokens == {"coppice": True, "coppice-test": False}
    account = next(each for each in everything if each["kind"] == "ServiceAccount")
    assert account["automountServiceAccountToken"] is False


def test_no_environment_variable_comes_from_a_secret(everything: list[Manifest]) -> None:
    sources = [
        entry.get("valueFrom", {})
        for _, pod in pods(everything)
        for each in pod["containers"]
        for entry in each.get("env", [])
    ]
    assert all(set(source) <= {"fieldRef"} for source in sources)


def operator_container(chart: Any, *settings: str) -> dict[str, Any]:
    container: dict[str, Any] = chart.one("Deployment", *settings)["spec"]["template"]["spec"]["containers"][0]
    return container
