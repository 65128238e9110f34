"""Rights: the operator has what it uses and no more, and users get their kinds through the cluster's own roles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from coppice.adapters.kinds import KINDS
from coppice.api.crd import definitions

Manifest = dict[str, Any]
PLURALS = {crd["spec"]["names"]["plural"] for crd in definitions()}
AGGREGATE = "rbac.authorization.k8s.io/aggregate-to-"

USED = {
    "ConfigMap": set(),  # read by the command line alone
    "TrainingJob": {"get", "list", "watch", "delete"},
    "BaseModel": {"get", "list", "watch", "create"},
    "ClusterBaseModel": {"get", "list", "watch"},
    "ComputeProfile": {"get", "list", "watch"},
    "TrainingPolicy": {"get", "list", "watch"},
    "TrainingApproval": {"get", "list", "watch"},
    "TrainingReport": {"get", "list", "watch", "create"},
    "TrainingLedger": {"get", "list", "watch", "create", "update"},
    "Job": {"get", "list", "watch", "create", "patch", "delete"},
    "Pod": {"get", "list", "watch"},
    "Service": {"get", "create"},
    "Node": {"get", "list"},
    "JobSet": {"get", "list"},
    "TrainJob": {"get", "list"},
    "PyTorchJob": {"get", "list"},
    "Namespace": {"get", "list", "watch"},
    "PersistentVolumeClaim": {"get", "create"},
    "Lease": {"get", "create", "update"},
    "Event": {"create"},
}
"""What the operator does with each kind it knows."""


def rules(manifests: list[Manifest], name: str, kind: str = "") -> Iterator[tuple[str, str, set[str]]]:
    """(group, resource, verbs) of every rule of the roles of a name."""
    for manifest in manifests:
        if manifest["kind"] in ((kind,) if kind else ("Role", "ClusterRole")) and manifest["metadata"]["name"] == name:
            for rule in manifest["rules"]:
                for group in rule["apiGroups"]:
                    for resource in rule["resources"]:
                        yield group, resource, set(rule["verbs"])


@pytest.fixture
def operator_rights(everything: list[Manifest]) -> dict[tuple[str, str], set[str]]:
    rights: dict[tuple[str, str], set[str]] = {}
    for group, resource, verbs in rules(everything, "coppice-operator"):
        rights.setdefault((group, resource), set()).update(verbs)
    return rights


def test_no_role_has_a_wildcard_or_touches_secrets(everything: list[Manifest]) -> None:
    roles = [each for each in everything if each["kind"] in {"Role", "ClusterRole"}]
    assert roles
    for role in roles:
        for rule in role["rules"]:
            named = {
                *rule.get("apiGroups", []),
                *rule.get("resources", []),
                *rule["verbs"],
                *rule.get("nonResourceURLs", []),
            }
            assert not any("*" in word for word in named), role["metadata"]["name"]
            assert not any(word.split("/")[0] == "secrets" for word in named), role["metadata"]["name"]
            assert not named & {"escalate", "bind", "impersonate"}, role["metadata"]["name"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_operator_may_do_what_it_does_with_a_kind_and_nothing_else(
    operator_rights: dict[tuple[str, str], set[str]], kind: str
) -> None:
    place = KINDS[kind]
    assert operator_rights.get((place.group, place.plural), set()) == USED[kind]


def test_the_operator_has_rights_on_no_other_kind(operator_rights: dict[tuple[str, str], set[str]]) -> None:
    known = {(place.group, place.plural) for place in KINDS.values()}
    others = {key: verbs for key, verbs in operator_rights.items() if key not in known}
    assert others == {
        ("coppice.dev", "trainingjobs/status"): {"patch"},
        ("coppice.dev", "basemodels/status"): {"patch"},
        ("coppice.dev", "clusterbasemodels/status"): {"patch"},
        ("coppice.dev", "trainingjobs/finalizers"): {"update"},
    }


def test_reports_are_deleted_by_the_operator_only_where_a_retention_is_set(chart: Any) -> None:
    role = chart.one("ClusterRole", "reports.retentionDays=90", name="coppice-operator")
    kept = [rule["verbs"] for rule in role["rules"] if rule["resources"] == ["trainingreports"]]
    assert kept == [["get", "list", "watch", "create", "delete"]]


def test_nodes_are_read_only_where_the_zone_comes_from_them(chart: Any) -> None:
    role = chart.one("ClusterRole", "accounting.zoneFromNodes=false", name="coppice-operator")
    assert not [rule for rule in role["rules"] if "nodes" in rule["resources"]]
    [container] = chart.one("Deployment", "accounting.zoneFromNodes=false")["spec"]["template"]["spec"]["containers"]
    assert "--no-zone-from-nodes" in container["args"]


def test_kinds_of_others_are_read_only_where_workloads_are_accounted(chart: Any) -> None:
    off = "accounting.workloads.enabled=false"
    role = chart.one("ClusterRole", off, name="coppice-operator")
    assert not [rule for rule in role["rules"] if {"jobsets", "trainjobs", "pytorchjobs"} & set(rule["resources"])]
    [container] = chart.one("Deployment", off)["spec"]["template"]["spec"]["containers"]
    assert "--no-account-workloads" in container["args"]


def test_ledgers_and_the_lease_are_out_of_reach_outside_the_operators_namespace(everything: list[Manifest]) -> None:
    wide = {resource for _, resource, _ in rules(everything, "coppice-operator", "ClusterRole")}
    assert wide & {"trainingledgers", "leases"} == set()


def test_every_kind_but_the_ledger_is_readable_through_the_clusters_view_role(everything: list[Manifest]) -> None:
    seen = {resource for role in joining(everything, "view") for _, resource, _ in rules(everything, role)}
    assert seen & PLURALS == PLURALS - {"trainingledgers"}


def test_editors_write_jobs_and_models_and_nobody_writes_reports(everything: list[Manifest]) -> None:
    written = {
        resource
        for role in joining(everything, "edit")
        for _, resource, verbs in rules(everything, role)
        if verbs & {"create", "update", "patch"}
    }
    assert written == {"trainingjobs", "basemodels"}
    writers = {
        each["metadata"]["name"]
        for each in everything
        if each["kind"] == "ClusterRole"
        for _, resource, verbs in rules(everything, each["metadata"]["name"])
        if resource == "trainingreports" and verbs & {"create", "update", "patch"}
    }
    assert writers == {"coppice-operator"}


def test_approvals_are_made_through_a_role_of_their_own_that_joins_no_other(everything: list[Manifest]) -> None:
    makers = {
        each["metadata"]["name"]
        for each in everything
        if each["kind"] in {"Role", "ClusterRole"}
        for _, resource, verbs in rules(everything, each["metadata"]["name"])
        if resource == "trainingapprovals" and verbs & {"create", "update", "patch", "delete"}
    }
    assert makers == {"coppice-approver"}
    assert not any("coppice-approver" in joining(everything, role) for role in ("view", "edit", "admin"))
    bound = {each["roleRef"]["name"] for each in everything if each["kind"].endswith("RoleBinding")}
    assert "coppice-approver" not in bound


def test_admins_see_and_edit_what_editors_do(everything: list[Manifest]) -> None:
    assert set(joining(everything, "admin")) == {*joining(everything, "edit"), *joining(everything, "view")}


def joining(manifests: list[Manifest], role: str) -> list[str]:
    """Names of the ClusterRoles that join the cluster's own role."""
    return [
        each["metadata"]["name"]
        for each in manifests
        if each["kind"] == "ClusterRole" and each["metadata"]["labels"].get(AGGREGATE + role) == "true"
    ]
