"""The chart's own pods: Pod Security "restricted", and started with words that the operator knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from typing import Any

from coppice.app.options import parse, parser

Manifest = dict[str, Any]
ALLOWED_VOLUMES = {"configMap", "downwardAPI", "emptyDir", "persistentVolumeClaim", "projected", "secret"}


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
    probed = {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
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


def test_the_operator_understands_its_command_line_and_needs_no_more(chart: Any) -> None:
    options = parse(arguments(chart, *chart.EVERYTHING))
    assert options.namespace == "coppice-system"
    assert options.trainer_image == "localhost/coppice-trainer:0.1.0"
    assert (options.zone, options.pue) == ("SE", "1.56")
    assert options.report_retention is None
    assert parse(arguments(chart, "reports.retentionDays=90")).report_retention == timedelta(days=90)


def test_what_the_chart_passes_by_default_is_what_the_operator_assumes(chart: Any) -> None:
    alone = parse(["--namespace=x", "--trainer-image=y"], {})
    passed = parse(arguments(chart))
    own = {"namespace", "identity", "trainer_image", "default_policy", "intensity_overrides", "intensity_sources"}
    differing = {each.name for each in fields(alone) if getattr(alone, each.name) != getattr(passed, each.name)}
    assert differing == own


def test_every_flag_can_be_set_through_the_chart(chart: Any) -> None:
    passed = {argument.split("=")[0] for argument in operator_container(chart, *chart.EVERYTHING)["args"]}
    known = {name for action in parser({})._actions for name in action.option_strings if name.startswith("--")}
    assert known - passed == {
        "--help",
        "--kubeconfig",
        "--leader-election",
        "--no-leader-election",
        "--no-zone-from-nodes",
        "--no-account-workloads",
    }


def test_the_files_on_the_command_line_are_in_the_mounted_map(chart: Any) -> None:
    container = operator_container(chart)
    mounted = next(each["mountPath"] for each in container["volumeMounts"] if each["name"] == "settings")
    values = {argument.partition("=")[2] for argument in container["args"]}
    named = {value for value in values if value.startswith("/")}
    assert named <= {f"{mounted}/{key}" for key in chart.one("ConfigMap")["data"]}


def arguments(chart: Any, *settings: str) -> list[str]:
    """The operator's arguments as the kubelet passes them on."""
    container = operator_container(chart, *settings)
    values = {"POD_NAME": "coppice-0", "POD_NAMESPACE": "coppice-system"}
    assert {each["name"] for each in container["env"]} == set(values)
    return [re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], argument) for argument in container["args"]]


def operator_container(chart: Any, *settings: str) -> dict[str, Any]:
    container: dict[str, Any] = chart.one("Deployment", *settings)["spec"]["template"]["spec"]["containers"][0]
    return container
