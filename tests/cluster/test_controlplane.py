"""The control plane behaves as a real cluster's where the operator's tests lean on it."""

from __future__ import annotations

import json

from devcluster.controlplane import ControlPlane


def test_a_service_account_is_refused_what_no_role_grants(control_plane: ControlPlane, namespace: str) -> None:
    account = f"system:serviceaccount:{namespace}:default"
    answer = control_plane.kubectl("auth", "can-i", "list", "secrets", "-n", namespace, "--as", account, check=False)
    assert answer.strip() == "no"


def test_a_service_account_token_is_accepted(control_plane: ControlPlane, namespace: str) -> None:
    token = control_plane.kubectl("create", "token", "default", "-n", namespace).strip()
    anonymous = ("--kubeconfig=/dev/null", f"--server={control_plane.url}")
    authority = f"--certificate-authority={control_plane.authority.files.certificate}"
    answer = control_plane.kubectl(*anonymous, authority, f"--token={token}", "auth", "whoami", "-o", "json")
    assert json.loads(answer)["status"]["userInfo"]["username"] == f"system:serviceaccount:{namespace}:default"


def test_admission_policies_are_served(control_plane: ControlPlane) -> None:
    kinds = control_plane.kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name")
    assert "validatingadmissionpolicies.admissionregistration.k8s.io" in kinds.split()


def test_an_owned_object_is_collected_with_its_owner(control_plane: ControlPlane, namespace: str) -> None:
    create = ("create", "-n", namespace, "configmap")
    owner = json.loads(control_plane.kubectl(*create, "owner", "-o", "json"))["metadata"]["uid"]
    reference = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner}]
    patch = json.dumps({"metadata": {"ownerReferences": reference}})
    control_plane.kubectl(*create, "owned")
    control_plane.kubectl("patch", "-n", namespace, "configmap", "owned", "--patch", patch)
    control_plane.kubectl("delete", "-n", namespace, "configmap", "owner")
    control_plane.kubectl("wait", "-n", namespace, "--for=delete", "configmap/owned", "--timeout=60s")


def test_versions_are_stamped(control_plane: ControlPlane) -> None:
    versions = json.loads(control_plane.kubectl("version", "-o", "json"))
    assert versions["serverVersion"]["gitVersion"] == versions["clientVersion"]["gitVersion"]
    assert versions["serverVersion"]["gitVersion"].startswith("v1.")
