"""A real API server takes what is created for an attempt, and its Pod Security takes the pods."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from attempts import ATTEMPTS
from devcluster.controlplane import ControlPlane
from devcluster.errors import DevClusterError

pytestmark = pytest.mark.usefixtures("kinds")


@pytest.fixture(scope="module")
def restricted(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace that enforces the restricted profile."""
    name = f"restricted-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    control_plane.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def created(control_plane: ControlPlane, namespace: str, manifest: dict[str, Any]) -> dict[str, Any]:
    """What the server would store; raises with its words where it refuses."""
    placed = {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}
    command = ("create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-")
    stored: dict[str, Any] = json.loads(control_plane.kubectl(*command, stdin=json.dumps(placed)))
    return stored


@pytest.mark.parametrize("name", ATTEMPTS)
def test_every_manifest_is_accepted(control_plane: ControlPlane, restricted: str, name: str) -> None:
    for manifest in ATTEMPTS[name].manifests():
        assert created(control_plane, restricted, manifest)["metadata"]["name"]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_the_server_changes_nothing_that_was_said(control_plane: ControlPlane, restricted: str, name: str) -> None:
    said = ATTEMPTS[name].child()["spec"]
    stored = created(control_plane, restricted, ATTEMPTS[name].child())["spec"]
    assert {key: stored[key] for key in said if key != "template"} == {
        key: value for key, value in said.items() if key != "template"
    }
    names = [each["name"] for each in stored["template"]["spec"]["containers"]]
    assert names == [each["name"] for each in said["template"]["spec"]["containers"]]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_pod_security_restricted_takes_the_pod(control_plane: ControlPlane, restricted: str, name: str) -> None:
    template = ATTEMPTS[name].child()["spec"]["template"]
    metadata = {**template["metadata"], "name": "pod"}
    created(control_plane, restricted, {"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata})


def test_pod_security_would_refuse_less(control_plane: ControlPlane, restricted: str) -> None:
    spec = json.loads(json.dumps(ATTEMPTS["linear-probe-on-cpu"].pod()))
    del spec["containers"][0]["securityContext"]["capabilities"]
    with pytest.raises(DevClusterError, match="violates PodSecurity"):
        created(control_plane, restricted, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": spec})
