"""The Cluster port against the real API server: every promise that the loop relies on, and every refusal by name."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from builders import make_job, make_model
from cluster.operator_process import kubeconfig_of
from coppice.accounting.settlement import Settlement
from coppice.adapters import cluster as cluster_module
from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.adapters.connection import Connection, connect
from coppice.adapters.lease import Lease
from coppice.adapters.ledger import ApiLedger
from coppice.api.labels import JOB_UID_LABEL, MANAGED_BY, MANAGED_BY_LABEL
from coppice.api.reasons import EventReason
from coppice.api.trainingledger import LedgerEntry
from coppice.api.vocabulary import Method
from coppice.lifecycle.observed import Event
from coppice.ports import AlreadyExists, Conflict, Forbidden, NotFound, Refused, Unavailable
from devcluster.controlplane import ControlPlane

Body = dict[str, Any]

pytestmark = pytest.mark.usefixtures("kinds")


@pytest.fixture
async def connection(control_plane: ControlPlane) -> AsyncIterator[Connection]:
    opened = await connect(str(control_plane.kubeconfig))
    yield opened
    await opened.close()


@pytest.fixture
def cluster(connection: Connection) -> ApiCluster:
    return ApiCluster(connection, SystemClock(), "test")


@pytest.fixture
async def powerless(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> AsyncIterator[ApiCluster]:
    """The cluster as a service account sees it that has no rights."""
    kubeconfig = kubeconfig_of(control_plane, namespace, "default", tmp_path / "powerless.kubeconfig")
    opened = await connect(str(kubeconfig))
    yield ApiCluster(opened, SystemClock(), "test")
    await opened.close()


def job_in(namespace: str, name: str = "newswire") -> Body:
    body = make_job(name, namespace).body()
    body["metadata"] = {"name": name, "namespace": namespace}
    return body


def child_in(namespace: str, name: str = "child", ours: bool = True) -> Body:
    labels = {MANAGED_BY_LABEL: MANAGED_BY, JOB_UID_LABEL: "uid-1"} if ours else {}
    container = {"name": "trainer", "image": "none"}
    template = {"spec": {"restartPolicy": "Never", "containers": [container]}}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": template}}


CONDITION = {"type": "Decided", "status": "True", "reason": "X", "lastTransitionTime": "2026-01-01T00:00:00Z"}


async def test_what_was_created_can_be_read(cluster: ApiCluster, namespace: str) -> None:
    created = await cluster.create(job_in(namespace))
    read = await cluster.get("TrainingJob", namespace, "newswire")
    assert read is not None
    assert read["metadata"]["uid"] == created["metadata"]["uid"]
    assert await cluster.get("TrainingJob", namespace, "nothing") is None


async def test_a_name_that_is_taken_comes_with_the_object_that_has_it(cluster: ApiCluster, namespace: str) -> None:
    created = await cluster.create(job_in(namespace))
    with pytest.raises(AlreadyExists) as taken:
        await cluster.create(job_in(namespace))
    assert taken.value.existing["metadata"]["uid"] == created["metadata"]["uid"]


async def test_a_bad_object_is_refused_with_the_servers_sentence(cluster: ApiCluster, namespace: str) -> None:
    bad = job_in(namespace)
    bad["spec"]["maxAttempts"] = 99
    with pytest.raises(Refused, match="maxAttempts"):
        await cluster.create(bad)


async def test_a_namespace_that_is_not_there_is_not_found(cluster: ApiCluster) -> None:
    with pytest.raises(NotFound):
        await cluster.create(job_in("no-such-namespace"))


async def test_a_namespace_that_is_going_away_takes_nothing(
    cluster: ApiCluster, control_plane: ControlPlane, namespace: str
) -> None:
    hold = json.dumps({"metadata": {"finalizers": ["coppice.dev/test"]}})
    await cluster.create(job_in(namespace, "holder"))
    control_plane.kubectl("patch", "-n", namespace, "trainingjob", "holder", "--type=merge", "--patch", hold)
    control_plane.kubectl("delete", "namespace", namespace, "--wait=false")
    try:
        with pytest.raises(NotFound, match="terminat"):
            await cluster.create(child_in(namespace))
    finally:
        free = json.dumps({"metadata": {"finalizers": None}})
        control_plane.kubectl("patch", "-n", namespace, "trainingjob", "holder", "--type=merge", "--patch", free)


async def test_a_missing_right_is_forbidden_and_named(powerless: ApiCluster, namespace: str) -> None:
    with pytest.raises(Forbidden, match="cannot create resource"):
        await powerless.create(job_in(namespace))
    with pytest.raises(Forbidden, match="cannot list resource"):
        await powerless.list("TrainingJob")


async def test_no_answer_is_told_as_such(control_plane: ControlPlane, tmp_path: Path) -> None:
    text = control_plane.kubeconfig.read_text().replace(str(control_plane.endpoints.api_port), "1")
    kubeconfig = tmp_path / "nowhere.kubeconfig"
    kubeconfig.write_text(text)
    opened = await connect(str(kubeconfig))
    with pytest.raises(Unavailable, match="no answer"):
        await ApiCluster(opened, SystemClock(), "test").list("TrainingJob")
    await opened.close()


async def test_status_becomes_what_it_should_be_and_only_that(cluster: ApiCluster, namespace: str) -> None:
    body = await cluster.create(job_in(namespace))
    first = {"observedGeneration": 1, "summary": {"state": "Pending", "base": "x"}, "conditions": [CONDITION]}
    body = await cluster.patch_status(body, first)
    assert body["status"]["summary"]["base"] == "x"
    second = {"observedGeneration": 1, "summary": {"state": "Decided"}, "conditions": [CONDITION]}
    body = await cluster.patch_status(body, second)
    assert "base" not in body["status"]["summary"]
    assert body["status"]["conditions"] == [CONDITION]
    assert body["metadata"]["generation"] == 1


async def test_a_status_that_is_so_already_is_not_written(cluster: ApiCluster, namespace: str) -> None:
    body = await cluster.patch_status(await cluster.create(job_in(namespace)), {"observedGeneration": 1})
    again = await cluster.patch_status(body, {"observedGeneration": 1})
    read = await cluster.get("TrainingJob", namespace, "newswire")
    assert read is not None
    assert again["metadata"]["resourceVersion"] == read["metadata"]["resourceVersion"]


async def test_a_status_decided_from_an_old_version_is_a_conflict(
    cluster: ApiCluster, control_plane: ControlPlane, namespace: str
) -> None:
    body = await cluster.create(job_in(namespace))
    control_plane.kubectl("annotate", "-n", namespace, "trainingjob", "newswire", "note=edited")
    with pytest.raises(Conflict):
        await cluster.patch_status(body, {"observedGeneration": 1})


async def test_a_status_never_lands_on_another_life(cluster: ApiCluster, namespace: str) -> None:
    former = await cluster.create(job_in(namespace))
    await cluster.delete("TrainingJob", namespace, "newswire", former["metadata"]["uid"])
    with pytest.raises(NotFound):
        await cluster.patch_status(former, {"observedGeneration": 1})
    await cluster.create(job_in(namespace))
    with pytest.raises(Conflict):
        await cluster.patch_status(former, {"observedGeneration": 1})
    present = await cluster.get("TrainingJob", namespace, "newswire")
    assert present is not None
    assert "status" not in present


async def test_only_one_of_two_replacements_of_one_version_is_taken(cluster: ApiCluster, namespace: str) -> None:
    model = {**make_model("mine").namespaced(namespace).body()}
    model["metadata"] = {"name": "mine", "namespace": namespace}
    body = await cluster.create(model)
    body["spec"]["description"] = "first"
    await cluster.replace(body)
    body["spec"]["description"] = "second"
    with pytest.raises(Conflict):
        await cluster.replace(body)
    gone = {**body, "metadata": {**body["metadata"], "name": "gone"}}
    with pytest.raises((NotFound, Conflict)):
        await cluster.replace(gone)


async def test_a_child_is_suspended_and_resumed(cluster: ApiCluster, namespace: str) -> None:
    child = await cluster.create(child_in(namespace))
    uid = child["metadata"]["uid"]
    assert (await cluster.suspend("Job", namespace, "child", uid, True))["spec"]["suspend"] is True
    assert (await cluster.suspend("Job", namespace, "child", uid, False))["spec"]["suspend"] is False


async def test_another_life_of_a_child_is_not_suspended(cluster: ApiCluster, namespace: str) -> None:
    await cluster.create(child_in(namespace))
    stranger = "00000000-0000-4000-8000-000000000000"
    with pytest.raises(NotFound):
        await cluster.suspend("Job", namespace, "child", stranger, True)
    with pytest.raises(NotFound):
        await cluster.suspend("Job", namespace, "nothing", stranger, True)
    read = await cluster.get("Job", namespace, "child")
    assert read is not None
    assert not read["spec"].get("suspend")


async def test_only_the_life_that_was_meant_is_deleted(cluster: ApiCluster, namespace: str) -> None:
    body = await cluster.create(job_in(namespace))
    await cluster.delete("TrainingJob", namespace, "newswire", "00000000-0000-4000-8000-000000000000")
    assert await cluster.get("TrainingJob", namespace, "newswire") is not None
    await cluster.delete("TrainingJob", namespace, "newswire", body["metadata"]["uid"])
    assert await cluster.get("TrainingJob", namespace, "newswire") is None
    await cluster.delete("TrainingJob", namespace, "newswire", body["metadata"]["uid"])


async def test_a_list_comes_in_chunks_whole_and_with_its_version(
    cluster: ApiCluster, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_module, "CHUNK", 3)
    for number in range(7):
        await cluster.create(job_in(namespace, f"job-{number}"))
    bodies, version = await cluster.list("TrainingJob", namespace)
    assert sorted(body["metadata"]["name"] for body in bodies) == [f"job-{number}" for number in range(7)]
    assert int(version) >= max(int(body["metadata"]["resourceVersion"]) for body in bodies)
    everywhere, _ = await cluster.list("TrainingJob")
    assert len(everywhere) >= 7


async def test_of_children_only_ours_are_listed_and_they_name_their_kind(cluster: ApiCluster, namespace: str) -> None:
    await cluster.create(child_in(namespace, "ours"))
    await cluster.create(child_in(namespace, "foreign", ours=False))
    bodies, _ = await cluster.list("Job", namespace)
    assert [(body["metadata"]["name"], body["kind"]) for body in bodies] == [("ours", "Job")]


async def test_an_event_is_told_in_the_form_that_kubectl_shows(
    cluster: ApiCluster, control_plane: ControlPlane, namespace: str
) -> None:
    body = await cluster.create(job_in(namespace))
    long = "a plan was chosen: " + "ä" * 2000
    await cluster.emit(body, Event(EventReason.DECIDED, long, "Decide"))
    listed = json.loads(control_plane.kubectl("get", "events.events.k8s.io", "-n", namespace, "-o", "json"))
    told = next(event for event in listed["items"] if event["regarding"].get("uid") == body["metadata"]["uid"])
    assert (told["reason"], told["type"], told["action"]) == ("Decided", "Normal", "Decide")
    assert told["reportingController"] == "coppice.dev/operator"
    assert len(told["note"].encode()) <= 1024
    assert "a plan was chosen" in control_plane.kubectl("describe", "-n", namespace, "trainingjob", "newswire")


async def test_an_event_about_a_cluster_scoped_object_is_told_too(
    cluster: ApiCluster, control_plane: ControlPlane
) -> None:
    about = {"apiVersion": "coppice.dev/v1alpha1", "kind": "ClusterBaseModel", "metadata": {"name": "m", "uid": "u-1"}}
    await cluster.emit(about, Event(EventReason.MODEL_REGISTERED, "registered", "Register", warning=True))
    listed = json.loads(control_plane.kubectl("get", "events.events.k8s.io", "-n", "default", "-o", "json"))
    (told,) = [event for event in listed["items"] if event["regarding"].get("uid") == "u-1"]
    assert told["type"] == "Warning"


async def test_an_event_that_cannot_be_told_is_no_error(
    powerless: ApiCluster, namespace: str, caplog: pytest.LogCaptureFixture
) -> None:
    about = {"apiVersion": "coppice.dev/v1alpha1", "kind": "TrainingJob"}
    about |= {"metadata": {"name": "x", "namespace": namespace, "uid": "u"}}
    await powerless.emit(about, Event(EventReason.DECIDED, "chosen", "Decide"))
    assert "was not told" in caplog.text


async def test_the_ledger_is_kept_by_the_real_api_server(cluster: ApiCluster, namespace: str) -> None:
    writer, rival = ApiLedger(cluster, namespace), ApiLedger(cluster, namespace)
    opened = datetime(2026, 1, 1, tzinfo=UTC)
    await writer.open("research", LedgerEntry(uid="a", name="job-a", opened=opened))
    await rival.load()
    await rival.open("research", LedgerEntry(uid="b", name="job-b", opened=opened))
    spent = Settlement(uid="a", name="job-a", method=Method.LORA, reason="X", operational_grams=Decimal("1.5"))
    await asyncio.gather(writer.settle("research", spent), writer.settle("research", spent))
    await writer.prune("research", "a")
    body = await cluster.get("TrainingLedger", namespace, "research")
    assert body is not None
    assert [entry["uid"] for entry in body["spec"]["entries"]] == ["b"]
    assert body["spec"]["totals"]["operationalGrams"] == "1.5"


async def test_a_lease_is_taken_renewed_and_released_on_the_real_api_server(
    cluster: ApiCluster, namespace: str
) -> None:
    first, second = (Lease(cluster, SystemClock(), namespace=namespace, name="l", identity=who) for who in "ab")
    assert await first._attempt()
    assert not await second._attempt()
    assert await first._attempt()
    await first.release()
    assert await second._attempt()
    body = await cluster.get("Lease", namespace, "l")
    assert body is not None
    assert (body["spec"]["holderIdentity"], body["spec"]["leaseTransitions"]) == ("b", 1)
