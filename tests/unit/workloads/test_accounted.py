"""What is read of workloads of other controllers: how they ended, who owns them, and which pods are theirs."""

from typing import Any

import pytest

from coppice.workloads.accounted import (
    WORKLOAD_KINDS,
    Owner,
    covered_by_others,
    is_pod_of,
    seen_workload,
    workload_pod,
)

CREATED, LATER = "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z"
UID = "11111111-0000"
Body = dict[str, Any]


def workload(kind: str = "Job", uid: str = UID, labelled: str = "true", **status: Any) -> Body:
    metadata = {"name": "nightly", "namespace": "research", "uid": uid, "creationTimestamp": CREATED}
    return {"kind": kind, "metadata": {**metadata, "labels": {"coppice.dev/account": labelled}}, "status": status}


def condition(type_: str, status: str = "True", **more: str) -> Body:
    return {"conditions": [{"type": type_, "status": status, "lastTransitionTime": LATER, **more}]}


@pytest.mark.parametrize(
    ("kind", "status", "succeeded"),
    [
        ("Job", {}, None),
        ("Job", condition("Complete"), True),
        ("Job", condition("Failed"), False),
        ("Job", condition("SuccessCriteriaMet"), None),
        ("Job", condition("Suspended"), None),
        ("JobSet", condition("Completed"), True),
        ("JobSet", condition("Failed"), False),
        ("TrainJob", condition("Complete"), True),
        ("TrainJob", condition("Failed"), False),
        ("PyTorchJob", condition("Succeeded"), True),
        ("PyTorchJob", condition("Failed"), False),
        ("PyTorchJob", condition("Failed", "False"), None),
        ("PyTorchJob", condition("Running"), None),
    ],
)
def test_a_workload_ended_as_its_controller_s_condition_says(kind: str, status: Body, succeeded: bool | None) -> None:
    seen = seen_workload(kind, workload(kind, **status))
    assert seen.succeeded is succeeded
    assert (seen.ended_at is None) is (succeeded is None)


@pytest.mark.parametrize(("value", "labelled"), [("true", True), ("false", False), ("True", False), ("", False)])
def test_only_true_asks_for_an_account(value: str, labelled: bool) -> None:
    assert seen_workload("Job", workload(labelled=value)).labelled is labelled


def pod(labels: Body, owner: tuple[str, str] | None = None, created: str = LATER, **spec: Any) -> Body:
    metadata: Body = {"name": "p", "namespace": "research", "uid": "p", "labels": labels, "creationTimestamp": created}
    if owner:
        metadata["ownerReferences"] = [{"controller": True, "kind": owner[0], "name": "nightly", "uid": owner[1]}]
    return {"metadata": metadata, "spec": spec, "status": {}}


@pytest.mark.parametrize(
    ("kind", "body", "theirs"),
    [
        ("Job", pod({"batch.kubernetes.io/controller-uid": UID}, ("Job", UID)), True),
        ("Job", pod({"batch.kubernetes.io/controller-uid": "other"}, ("Job", "other")), False),
        ("PyTorchJob", pod({}, ("PyTorchJob", UID)), True),
        ("PyTorchJob", pod({}, ("TFJob", "of-the-same-name")), False),
        ("JobSet", pod({}, ("Job", "below")), True),
        ("JobSet", pod({}, ("Job", "another's")), False),
        ("JobSet", pod({"jobset.sigs.k8s.io/jobset-uid": UID}, ("Job", "any")), True),
        ("JobSet", pod({}, ("Job", "below"), created="2026-03-01T11:59:59Z"), False),
        ("TrainJob", pod({}, ("Job", "below")), True),
    ],
)
def test_a_pod_belongs_to_one_life_of_one_kind(kind: str, body: Body, theirs: bool) -> None:
    assert is_pod_of(seen_workload(kind, workload(kind)), workload_pod(body), {"below"}) is theirs


def test_a_pod_tells_its_accelerator_its_selector_and_who_stands_above_it() -> None:
    requests = {"cpu": "4", "nvidia.com/gpu": "2", "rdma/hca": "1"}
    labels = {"batch.kubernetes.io/controller-uid": "job", "jobset.sigs.k8s.io/jobset-uid": "set"}
    container = {"name": "main", "resources": {"requests": requests}}
    found = workload_pod(pod(labels, ("Job", "job"), containers=[container], nodeSelector={"pool": "gpu"}))
    assert (found.accelerator, found.seen.accelerators) == ("nvidia.com/gpu", 2)
    assert found.node_selector == (("pool", "gpu"),)
    assert found.above == {"job", "set"}


def test_a_labelled_owner_or_a_trainingjob_above_covers_a_workload() -> None:
    labelled = seen_workload("JobSet", workload("JobSet", uid="outer"))
    bare = seen_workload("JobSet", workload("JobSet", uid="outer", labelled="no"))
    assert covered_by_others([bare, labelled])
    assert covered_by_others([Owner("TrainingJob", "topics", "t", "coppice.dev")])
    assert not covered_by_others([Owner("TrainingJob", "topics", "t", "example.org")])
    assert not covered_by_others([bare, Owner("CronJob", "nightly", "c")])
    assert not covered_by_others([])
    assert covered_by_others([bare], accounted={"outer"}), "it had the label once, and was accounted"


def test_a_workload_is_named_as_no_trainingjob_can_be() -> None:
    assert {str(seen_workload(kind, workload(kind))) for kind in WORKLOAD_KINDS} == {
        "job/nightly", "jobset/nightly", "trainjob/nightly", "pytorchjob/nightly",
    }  # fmt: skip
