"""LISTs of thousands of objects: of other people's no more is kept than what an account reads."""

from typing import Any

import pytest

from coppice.adapters.clock import SystemClock
from coppice.adapters.cluster import ApiCluster
from coppice.ports import NotFound
from coppice.workloads.accounted import WORKLOAD_KINDS, seen_workload, workload_pod

LABEL = "coppice.dev/account=true"


class Pages:
    """A connection that answers with one object a page, and knows whether the page before was trimmed."""

    def __init__(self, *bodies: dict[str, Any]) -> None:
        self.bodies = bodies
        self.asked: list[str] = []

    async def request(self, method: str, path: str, query: Any = None, **_: Any) -> dict[str, Any]:
        self.asked.append(path)
        if path == "/apis/jobset.x-k8s.io":
            raise NotFound("no such group")
        number = int((query or {}).get("continue", 0))
        more = {"continue": str(number + 1)} if number + 1 < len(self.bodies) else {}
        return {"items": [self.bodies[number]], "metadata": {"resourceVersion": "7", **more}}


def workload(name: str) -> dict[str, Any]:
    metadata = {"name": name, "uid": name, "creationTimestamp": "2026-03-01T12:00:00Z", "managedFields": [{}]}
    return {"metadata": metadata, "spec": {"template": {"spec": {"containers": []}}}, "status": {"conditions": []}}


def cluster(*bodies: dict[str, Any]) -> ApiCluster:
    return ApiCluster(Pages(*bodies), SystemClock(), "one")  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", WORKLOAD_KINDS)
async def test_workloads_of_others_are_listed_without_templates_and_read_the_same(kind: str) -> None:
    whole = [seen_workload(kind, workload(name)) for name in "ab"]
    found, version = await cluster(workload("a"), workload("b")).list(kind, None, LABEL)
    assert [set(body) for body in found] == [{"apiVersion", "kind", "metadata", "status"}] * 2
    assert not any("managedFields" in body["metadata"] for body in found)
    assert ([seen_workload(kind, body) for body in found], version) == (whole, "7")


async def test_children_of_ours_are_listed_whole() -> None:
    [child], _ = await cluster(workload("a")).list("Job")
    assert child["spec"] == workload("a")["spec"]


async def test_pods_of_others_are_read_the_same_without_what_no_account_reads() -> None:
    requests = {"requests": {"cpu": "2", "nvidia.com/gpu": "1"}}
    pod = workload("a") | {"spec": {"nodeName": "n", "nodeSelector": {"a": "b"}, "volumes": [{}], "tolerations": [{}],
                                    "containers": [{"name": "main", "resources": requests}]}}  # fmt: skip
    whole = workload_pod(pod)
    [found], _ = await cluster(pod).list("Pod", "research", "batch.kubernetes.io/job-name in (a)")
    assert set(found["spec"]) == {"nodeName", "nodeSelector", "containers"}
    assert workload_pod(found) == whole


async def test_an_odd_object_is_trimmed_as_far_as_it_goes() -> None:
    [found], _ = await cluster({"metadata": {"name": "a"}, "spec": "none"}).list("Pod", None, LABEL)
    assert found["spec"] == "none"


async def test_whether_a_group_is_served_is_told_by_discovery() -> None:
    there = cluster(workload("a"))
    assert await there.has_group("PyTorchJob")
    assert not await there.has_group("JobSet")
