"""Watched Jobs and Pods are read as they are: what is absent is absent, what ended says how."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from attempts import make_attempt
from coppice.workloads.projection import seen_child, seen_pod

Body = dict[str, Any]
NOON = "2026-01-01T12:00:00Z"
LATER = "2026-01-01T12:05:00Z"


def child(status: Body | None = None, **metadata: Any) -> Body:
    """A Job as the API server returns it."""
    body = make_attempt().child()
    body["metadata"] |= {"uid": "child-uid", "creationTimestamp": NOON, **metadata}
    return {**body, "status": status or {}}


def pod(status: Body | None = None, spec: Body | None = None, **metadata: Any) -> Body:
    """A Pod of that Job."""
    template = make_attempt().child()["spec"]["template"]
    own = {"namespace": "research", "name": "pod-0", "uid": "pod-uid", "creationTimestamp": NOON, **metadata}
    annotations = {**template["metadata"]["annotations"], "batch.kubernetes.io/job-completion-index": "0"}
    body = {"metadata": {**template["metadata"], "annotations": annotations, **own}}
    return body | {"spec": {**template["spec"], **(spec or {})}, "status": status or {}}


def condition(kind: str, status: str = "True", **fields: str) -> Body:
    return {"type": kind, "status": status, "lastTransitionTime": LATER, **fields}


def test_a_new_child_says_whose_it_is() -> None:
    seen = seen_child(child())
    assert (seen.namespace, seen.name, seen.uid) == ("research", seen.job_name + "-f5298-1", "child-uid")
    assert seen.owner_uid == seen.job_uid == make_attempt().job.get("metadata.uid")
    assert (seen.job_name, seen.attempt) == ("newswire-topics", 1)
    assert seen.created_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (seen.finished, seen.finished_at, seen.active) == ("", None, 0)
    assert seen.decision
    assert seen.attempt_record


def test_a_suspended_child_names_its_queue() -> None:
    body = make_attempt().of(job=make_attempt().job.queue("team-a")).child()
    body["metadata"] |= {"uid": "u", "creationTimestamp": NOON}
    seen = seen_child(body)
    assert (seen.suspended, seen.queue) == (True, "team-a")


def test_counts_are_read() -> None:
    seen = seen_child(child({"active": 1, "ready": 1, "succeeded": 2, "failed": 3}))
    assert (seen.active, seen.ready, seen.succeeded, seen.failed) == (1, 1, 2, 3)


@pytest.mark.parametrize("kind", ["Complete", "Failed"])
def test_a_finished_child_says_how_and_when(kind: str) -> None:
    conditions = [condition("SuccessCriteriaMet"), condition(kind, reason="PodFailurePolicy", message="because")]
    seen = seen_child(child({"conditions": conditions}))
    assert (seen.finished, seen.finished_reason, seen.finished_message) == (kind, "PodFailurePolicy", "because")
    assert seen.finished_at == datetime(2026, 1, 1, 12, 5, tzinfo=UTC)


def test_a_failure_that_is_not_true_is_none() -> None:
    seen = seen_child(child({"conditions": [condition("Failed", "False"), condition("FailureTarget")]}))
    assert (seen.finished, seen.finished_at) == ("", None)


def test_a_child_on_its_way_out_says_so() -> None:
    assert seen_child(child(deletionTimestamp=LATER)).deleting


def test_a_child_of_nobody_has_no_owner() -> None:
    assert seen_child(child(ownerReferences=[{"uid": "x", "controller": False}])).owner_uid == ""


def test_a_new_pod_waits() -> None:
    seen = seen_pod(pod())
    assert (seen.phase, seen.scheduled_at, seen.unschedulable, seen.containers) == ("Pending", None, "", ())
    assert (seen.attempt, seen.index, seen.ended_at) == (1, 0, None)


def test_a_scheduled_pod_says_when_and_where() -> None:
    seen = seen_pod(pod({"conditions": [condition("PodScheduled")]}, {"nodeName": "node-1"}))
    assert (seen.node, seen.scheduled_at) == ("node-1", datetime(2026, 1, 1, 12, 5, tzinfo=UTC))


def test_an_unschedulable_pod_says_why() -> None:
    refused = condition("PodScheduled", "False", reason="Unschedulable", message="0/1 nodes: insufficient gpu")
    assert seen_pod(pod({"conditions": [refused]})).unschedulable == "0/1 nodes: insufficient gpu"


def test_a_gated_pod_is_merely_pending() -> None:
    gated = condition("PodScheduled", "False", reason="SchedulingGated", message="waiting")
    assert seen_pod(pod({"conditions": [gated]})).unschedulable == ""


def test_a_disrupted_pod_says_so() -> None:
    assert seen_pod(pod({"conditions": [condition("DisruptionTarget", reason="EvictionByEvictionAPI")]})).disrupted


def test_containers_come_init_first() -> None:
    status = {
        "initContainerStatuses": [{"name": "fetch", "state": {"terminated": {"exitCode": 0, "finishedAt": NOON}}}],
        "containerStatuses": [{"name": "trainer", "state": {"running": {"startedAt": LATER}}, "restartCount": 0}],
    }
    fetch, trainer = seen_pod(pod(status)).containers
    assert (fetch.name, fetch.init, fetch.exit_code) == ("fetch", True, 0)
    assert (trainer.name, trainer.init, trainer.finished_at) == ("trainer", False, None)
    assert trainer.started_at == datetime(2026, 1, 1, 12, 5, tzinfo=UTC)


def ended(**fields: Any) -> Body:
    terminated = {"exitCode": 137, "reason": "OOMKilled", "message": "{}", "startedAt": NOON, "finishedAt": LATER}
    return {"terminated": {**terminated, **fields}}


def test_a_container_that_ended_says_how() -> None:
    (seen,) = seen_pod(
        pod({"phase": "Failed", "containerStatuses": [{"name": "trainer", "state": ended()}]})
    ).containers
    assert (seen.exit_code, seen.reason, seen.message) == (137, "OOMKilled", "{}")
    assert seen.finished_at == datetime(2026, 1, 1, 12, 5, tzinfo=UTC)


def test_a_pod_ends_with_its_last_container() -> None:
    statuses = [{"name": "trainer", "state": ended()}, {"name": "helper", "state": ended(finishedAt=NOON)}]
    seen = seen_pod(pod({"phase": "Failed", "containerStatuses": statuses}))
    assert seen.ended_at == datetime(2026, 1, 1, 12, 5, tzinfo=UTC)


def test_a_container_that_cannot_start_says_why() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    (seen,) = seen_pod(pod({"containerStatuses": [{"name": "trainer", "state": {"waiting": waiting}}]})).containers
    assert (seen.waiting_reason, seen.waiting_message, seen.started_at) == ("ImagePullBackOff", "no such image", None)


def test_a_restarting_container_shows_its_last_end() -> None:
    status = {"name": "trainer", "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": ended()}
    (seen,) = seen_pod(pod({"containerStatuses": [{**status, "restartCount": 2}]})).containers
    assert (seen.exit_code, seen.restarts, seen.waiting_reason) == (137, 2, "CrashLoopBackOff")


def test_what_a_pod_reserves_is_what_the_scheduler_counts() -> None:
    spec = {
        "initContainers": [{"resources": {"requests": {"cpu": "4", "memory": "1Gi"}}}],
        "containers": [
            {"resources": {"requests": {"cpu": "1500m", "memory": "2Gi"}, "limits": {"nvidia.com/gpu": "2"}}},
            {"resources": {"requests": {"cpu": "1", "memory": "1Gi"}}},
            {},
        ],
    }
    seen = seen_pod(pod(spec=spec))
    assert (seen.cpu_request_cores, seen.memory_request_bytes, seen.accelerators) == (Decimal(4), 3 * 2**30, 2)


@pytest.mark.parametrize(
    ("resource", "count"),
    [
        ("nvidia.com/gpu", 3),
        ("amd.com/gpu", 3),
        ("nvidia.com/mig-1g.10gb", 3),
        ("google.com/tpu", 3),
        ("rdma/hca_shared_devices", 0),
        ("example.com/licence", 0),
        ("ephemeral-storage", 0),
    ],
)
def test_only_accelerators_are_counted_as_such(resource: str, count: int) -> None:
    spec = {"containers": [{"resources": {"limits": {resource: "3"}}}], "initContainers": []}
    assert seen_pod(pod(spec=spec)).accelerators == count
