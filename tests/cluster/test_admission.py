"""The chart's admission policies on a real API server: templates stay restricted and fixed, accounts the operator's."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from builders import Builder, make_job, make_report
from coppice.workloads.admission import operator_policy, template_policy
from devcluster.controlplane import ControlPlane
from devcluster.errors import DevClusterError
from templates import ACCEPTED, ON_REQUEST, REFUSED, Template, pod

pytestmark = pytest.mark.usefixtures("kinds")

FIXED = "cannot change after creation: create a new TrainingJob instead"


@pytest.fixture(scope="module")
def tenant(control_plane: ControlPlane, kinds: None) -> Iterator[str]:
    """A namespace that the policies hold in; other tests of the same server are not judged by them."""
    name = f"admission-{uuid.uuid4().hex[:8]}"
    control_plane.kubectl("create", "namespace", name)
    account = f"system:serviceaccount:{name}:operator"
    manifests = [*template_policy(), *operator_policy(account)]
    for manifest in manifests:
        if manifest["kind"] == "ValidatingAdmissionPolicyBinding":
            selector = {"matchLabels": {"kubernetes.io/metadata.name": name}}
            manifest["spec"]["matchResources"] = {"namespaceSelector": selector}
    documents = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    control_plane.kubectl("create", "-f", "-", stdin=documents)
    grant(control_plane, name)
    wait_until_they_hold(control_plane, name)
    yield name
    control_plane.kubectl("delete", "-f", "-", stdin=documents)
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def grant(control_plane: ControlPlane, namespace: str) -> None:
    """Lets the operator's account, and a user, do by RBAC what the policies are about."""
    control_plane.kubectl("create", "serviceaccount", "operator", "-n", namespace)
    control_plane.kubectl(
        "create", "role", "writer", "-n", namespace, "--verb=create,update,patch,get,delete",
        "--resource=trainingjobs.coppice.dev,trainingjobs.coppice.dev/status,trainingreports.coppice.dev,trainingledgers.coppice.dev",
    )  # fmt: skip
    control_plane.kubectl(
        "create", "rolebinding", "writer", "-n", namespace, "--role=writer",
        f"--serviceaccount={namespace}:operator", "--user=ada",
    )  # fmt: skip


def wait_until_they_hold(control_plane: ControlPlane, namespace: str) -> None:
    """A new policy is enforced a moment after it is stored."""
    deadline = time.monotonic() + 60
    for builder in (make_job().template(hostNetwork=True), make_report()):
        while not refusal(control_plane, "create", "--dry-run=server", "-f", "-", manifest=body(builder, namespace)):
            assert time.monotonic() < deadline, "the policies never took hold"
            time.sleep(0.2)


def refusal(control_plane: ControlPlane, *arguments: str, manifest: dict[str, Any] | None = None) -> str:
    """What kubectl says to a request, with the line breaks taken out; empty when it is accepted."""
    try:
        control_plane.kubectl(*arguments, stdin=json.dumps(manifest) if manifest else None)
    except DevClusterError as error:
        return " ".join(str(error).split())
    return ""


def body(builder: Builder[Any], namespace: str) -> dict[str, Any]:
    manifest = builder.body()
    manifest["metadata"] = {"name": f"job-{uuid.uuid4().hex[:8]}", "namespace": namespace}
    return {key: value for key, value in manifest.items() if key != "status"}


def apply_template(control_plane: ControlPlane, tenant: str, template: Template) -> str:
    manifest = body(make_job().set("spec.trainer.template", template), tenant)
    return refusal(control_plane, "create", "--dry-run=server", "-f", "-", manifest=manifest)


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_template_is_refused(control_plane: ControlPlane, tenant: str, case: str) -> None:
    template, sentence = REFUSED[case]
    answer = apply_template(control_plane, tenant, template)
    assert "spec.trainer.template" in answer
    assert sentence in answer


@pytest.mark.parametrize("case", ACCEPTED)
def test_a_good_template_is_accepted(control_plane: ControlPlane, tenant: str, case: str) -> None:
    assert apply_template(control_plane, tenant, ACCEPTED[case]) == ""


def test_what_a_policy_may_allow_is_left_to_the_operator(control_plane: ControlPlane, tenant: str) -> None:
    """An admission policy cannot see which TrainingPolicies select the namespace."""
    assert [case for case in ON_REQUEST if apply_template(control_plane, tenant, ON_REQUEST[case][0])] == []


def test_the_expressions_type_check(control_plane: ControlPlane, tenant: str) -> None:
    for policy, _ in (template_policy(), operator_policy("x")):
        stored = json.loads(
            control_plane.kubectl("get", "validatingadmissionpolicy", policy["metadata"]["name"], "-o", "json")
        )
        assert not stored.get("status", {}).get("typeChecking", {}).get("expressionWarnings")


CHANGES: dict[str, tuple[Builder[Any], list[dict[str, Any]], str]] = {
    "a template's pod": (
        make_job().template(nodeSelector={"pool": "a"}),
        [
            {"op": "remove", "path": "/spec/trainer/template/spec/nodeSelector"},
            {"op": "add", "path": "/spec/trainer/template/spec/hostname", "value": "x"},
        ],
        "spec.trainer",
    ),
    "a template's metadata for something else": (
        make_job().set("spec.trainer.template", {**pod(), "metadata": {"labels": {"team": "a"}}}),
        [
            {"op": "remove", "path": "/spec/trainer/template/metadata"},
            {"op": "add", "path": "/spec/trainer/template/more", "value": {}},
        ],
        "spec.trainer.template",
    ),
    "a configuration's key for another": (
        make_job().scratch(),
        [
            {"op": "remove", "path": "/spec/fromScratch/config/hidden_size"},
            {"op": "add", "path": "/spec/fromScratch/config/hidden_sizes", "value": 9},
        ],
        "spec.fromScratch.config",
    ),
    "a configuration's value": (
        make_job().scratch(),
        [{"op": "replace", "path": "/spec/fromScratch/config/hidden_size", "value": 9}],
        "spec.fromScratch",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_what_a_schema_cannot_compare_cannot_change(control_plane: ControlPlane, tenant: str, case: str) -> None:
    before, patch, field = CHANGES[case]
    manifest = body(before, tenant)
    assert refusal(control_plane, "create", "-f", "-", manifest=manifest) == ""
    job = ("-n", tenant, "trainingjob", manifest["metadata"]["name"])
    answer = refusal(control_plane, "patch", *job, "--type=json", "--patch", json.dumps(patch))
    assert f"{field} {FIXED}" in answer


def test_a_job_with_a_template_can_be_suspended(control_plane: ControlPlane, tenant: str) -> None:
    manifest = body(make_job().template(nodeSelector={"a": "b"}).scratch(), tenant)
    control_plane.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
    job = ("-n", tenant, "trainingjob", manifest["metadata"]["name"])
    assert refusal(control_plane, "patch", *job, "--type=merge", "--patch", '{"spec": {"suspend": true}}') == ""


def ledger(tenant: str) -> dict[str, Any]:
    metadata = {"name": f"ledger-{uuid.uuid4().hex[:8]}", "namespace": tenant}
    spec = {"namespace": "a", "totals": {"operationalGrams": "0", "embodiedGrams": "0", "spentInVainGrams": "0"}}
    return {"apiVersion": "coppice.dev/v1alpha1", "kind": "TrainingLedger", "metadata": metadata, "spec": spec}


@pytest.mark.parametrize("kind", ["trainingreports", "trainingledgers"])
def test_a_user_cannot_write_accounts(control_plane: ControlPlane, tenant: str, kind: str) -> None:
    manifest = body(make_report(), tenant) if kind == "trainingreports" else ledger(tenant)
    answer = refusal(control_plane, "create", "--as=ada", "-f", "-", manifest=manifest)
    assert f"{kind} can be written by the operator alone" in answer


@pytest.mark.parametrize("kind", ["trainingreport", "trainingledger"])
def test_the_operator_writes_accounts_and_a_user_may_delete_them(
    control_plane: ControlPlane, tenant: str, kind: str
) -> None:
    manifest = body(make_report(), tenant) if kind == "trainingreport" else ledger(tenant)
    operator = f"--as=system:serviceaccount:{tenant}:operator"
    assert refusal(control_plane, "create", operator, "-f", "-", manifest=manifest) == ""
    assert refusal(control_plane, "delete", "--as=ada", kind, manifest["metadata"]["name"], "-n", tenant) == ""


def test_only_the_operator_writes_a_jobs_status(control_plane: ControlPlane, tenant: str) -> None:
    manifest = body(make_job(), tenant)
    assert refusal(control_plane, "create", "--as=ada", "-f", "-", manifest=manifest) == ""
    patch = ("--subresource=status", "--type=merge", "--patch", '{"status": {"observedGeneration": 1}}')
    job = ("patch", "-n", tenant, "trainingjob", manifest["metadata"]["name"])
    assert "the status of trainingjobs can be written by the operator alone" in refusal(
        control_plane, *job, "--as=ada", *patch
    )
    assert refusal(control_plane, *job, f"--as=system:serviceaccount:{tenant}:operator", *patch) == ""
