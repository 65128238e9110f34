"""Workloads of other controllers on the real API server: their own definitions, and the parts that are played.

Jobs are controlled by the real Job controller and their pods bound by the real scheduler. What runs on the node, and
the controllers of JobSet, TrainJob and PyTorchJob, are played here: they make the objects that the real ones make.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cluster.api import STRATEGIC, Api, Body
from cluster.pods import container, stamp
from cluster.stage import Stage
from coppice.api.computeprofile import ComputeProfile
from coppice.api.labels import ACCOUNT_LABEL
from coppice.workloads.accounted import WORKLOAD_KINDS

POD = {
    "restartPolicy": "Never",
    "containers": [{"name": "main", "image": "played", "resources": {"requests": {"cpu": "1", "memory": "1Gi"}}}],
}
REPLICAS = {"replicas": 1, "template": {"spec": {"containers": [{"name": "pytorch", "image": "played"}]}}}
SPECS: dict[str, Body] = {
    "JobSet": {"replicatedJobs": [{"name": "node", "replicas": 1, "template": {"spec": {"template": {"spec": POD}}}}]},
    "TrainJob": {"runtimeRef": {"name": "torch-distributed"}},
    "PyTorchJob": {"pytorchReplicaSpecs": {"Master": REPLICAS}},
}


class Workloads:
    """The workloads of one tenant."""

    def __init__(self, stage: Stage, tenant: str) -> None:
        self._api: Api = stage.api
        self._stage = stage
        self.tenant = tenant

    def make(self, kind: str, name: str, owner: Body | None = None, *, labelled: bool = True, **spec: Any) -> Body:
        """A user, or a controller that is played, creates a workload; a Job's pods get the labels of those above."""
        metadata: Body = {"name": name, "namespace": self.tenant, "labels": {ACCOUNT_LABEL: "true"} if labelled else {}}
        if owner is not None:
            metadata["ownerReferences"] = [reference(owner)]
        body = SPECS.get(kind) or {"template": {"metadata": {"labels": labels_of(owner)}, "spec": POD}, **spec}
        api_version = WORKLOAD_KINDS[kind].api_version
        return self._api.create({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": body})

    def pod_of(self, owner: Body, name: str) -> Body:
        """A pod as the PyTorchJob's controller makes it."""
        metadata = {"name": name, "namespace": self.tenant, "labels": labels_of(owner)}
        metadata["ownerReferences"] = [reference(owner)]
        return self._api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": POD})

    def pods(self, prefix: str = "") -> list[Body]:
        """Pods whose name starts so, oldest first."""
        found = [pod for pod in self._api.list("Pod", self.tenant) if pod["metadata"]["name"].startswith(prefix)]
        return sorted(found, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def bound(self, prefix: str, number: int) -> list[Body]:
        """Wait for so many pods that have a node, and start those that have not started."""

        def bound_pods() -> list[Body]:
            return [pod for pod in self.pods(prefix) if pod["spec"].get("nodeName")]

        self._stage.until(lambda: len(bound_pods()) >= number, lambda: f"{number} bound pods of {prefix}")
        for pod in bound_pods():
            if pod["status"]["phase"] == "Pending":
                began = {"running": {"startedAt": stamp(datetime.now(UTC))}}
                self._status(pod, {"phase": "Running", "containerStatuses": [container("main", began)]})
        return self.pods(prefix)

    def end(self, pod: Body, exit_code: int = 0) -> None:
        """The pod's container ends."""
        now = stamp(datetime.now(UTC))
        fresh = self._api.get("Pod", self.tenant, pod["metadata"]["name"])
        assert fresh is not None
        began = fresh["status"]["containerStatuses"][0]["state"]["running"]["startedAt"]
        ended = {"exitCode": exit_code, "startedAt": began, "finishedAt": now, "reason": "Completed"}
        phase = "Failed" if exit_code else "Succeeded"
        self._status(fresh, {"phase": phase, "containerStatuses": [container("main", {"terminated": ended})]})

    def say(self, workload: Body, *, well: bool = True) -> None:
        """The workload's played controller says that it is over."""
        kind = WORKLOAD_KINDS[workload["kind"]]
        condition = {"type": kind.succeeded if well else kind.failed, "status": "True", "reason": "Played"}
        condition |= {"message": "said the one who plays", "lastTransitionTime": stamp(datetime.now(UTC))}
        name = workload["metadata"]["name"]
        self._api.patch(workload["kind"], self.tenant, name, {"status": {"conditions": [condition]}}, "status")

    def label(self, workload: Body, value: str | None) -> None:
        change = {"metadata": {"labels": {ACCOUNT_LABEL: value}}}
        self._api.patch(workload["kind"], self.tenant, workload["metadata"]["name"], change)

    def delete(self, workload: Body) -> None:
        """Delete it, and let the node give up its pods at once."""
        name = workload["metadata"]["name"]
        pods = [pod["metadata"]["name"] for pod in self.pods(name)]
        self._api.delete(workload["kind"], self.tenant, name)
        end = time.monotonic() + 60
        while pods and time.monotonic() < end:
            for pod in pods:
                self._api.delete("Pod", self.tenant, pod, gracePeriodSeconds=0)
            pods = [pod["metadata"]["name"] for pod in self.pods(name)]
            time.sleep(0.5)

    def reports(self) -> dict[str, Body]:
        """Specs of the reports of workloads, by kind and name."""
        specs = [body["spec"] for body in self._api.list("TrainingReport", self.tenant)]
        return {f"{spec['workload']['kind']}/{spec['job']}": spec for spec in specs if "workload" in spec}

    def _status(self, pod: Body, status: Body) -> None:
        name = pod["metadata"]["name"]
        change = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        self._api.patch("Pod", self.tenant, name, change, "status", STRATEGIC)


def reference(owner: Body) -> Body:
    """The owner as controller."""
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True,
            "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}  # fmt: skip


def labels_of(owner: Body | None) -> dict[str, str]:
    """The labels that a workload's controller puts on the pods below it."""
    if owner is None:
        return {}
    labels = {WORKLOAD_KINDS[owner["kind"]].pod_label: owner["metadata"]["name"]}
    return labels | ({"jobset.sigs.k8s.io/jobset-uid": owner["metadata"]["uid"]} if owner["kind"] == "JobSet" else {})


def reserved_seconds(pod: Body) -> int:
    """From PodScheduled to its container's end, by what the pod itself says."""
    start = next(one for one in pod["status"]["conditions"] if one["type"] == "PodScheduled")["lastTransitionTime"]
    end = pod["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    return round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())


def expected_joules(profile: ComputeProfile, seconds: int, pue: Decimal) -> Decimal:
    """By hand: one core of the node for so long, half of it busy, idle power by its share of the node, and PUE."""
    host = profile.spec.host
    idle = host.idle_watts / host.cores
    busy = (host.peak_watts - host.idle_watts) / host.cores / 2
    return (idle + busy) * seconds * pue
