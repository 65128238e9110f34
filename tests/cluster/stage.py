"""A stage for whole lives: the real API server and controllers, a played node, and the operator as the chart runs it.

The operator has the chart's service account and nothing else, and the chart's admission policy holds, so a right that
is missing fails a life here. It is started again when it ends because it lost its Lease, as a kubelet would.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from builders import Builder, JobBuilder, make_job, make_model, make_profile
from cluster.api import Api, Body
from cluster.operator_process import RELEASE, OperatorProcess, installed, uninstalled, until
from cluster.pods import Node
from coppice.api.labels import JOB_UID_LABEL
from coppice.app.operator import EXIT_LEASE_LOST
from coppice.workloads.admission import operator_policy
from devcluster.controlplane import ControlPlane

PATIENCE_SECONDS = 120.0
SCRATCH = {"num_hidden_layers": 6, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
RESYNC = "--resync-seconds=8"


def probe_job(name: str, namespace: str) -> JobBuilder:
    """A job of two rungs: a linear probe of the one base model, then from scratch; its claims exist."""
    job = make_job(name, namespace).methods("LinearProbe").scratch(epochs=30, **SCRATCH).max_attempts(2)
    return job.set("spec.output", {"claimName": "models"})


class Life:
    """One name of a TrainingJob and everything around it."""

    def __init__(self, stage: Stage, namespace: str, name: str) -> None:
        self._stage = stage
        self._api = stage.api
        self.namespace, self.name = namespace, name
        self.uid = str((self.body() or {"metadata": {"uid": ""}})["metadata"]["uid"])

    def body(self) -> Body | None:
        """The job as the API server holds it; None when it is gone."""
        return self._api.get("TrainingJob", self.namespace, self.name)

    @property
    def status(self) -> Body:
        return dict((self.body() or {}).get("status") or {})

    def condition(self, type_: str) -> Body:
        """One condition; empty before it was written."""
        return next((one for one in self.status.get("conditions", ()) if one["type"] == type_), {})

    @property
    def state(self) -> str:
        """Reason of Succeeded: the State column."""
        return str(self.condition("Succeeded").get("reason", ""))

    @property
    def message(self) -> str:
        return str(self.condition("Succeeded").get("message", ""))

    def children(self) -> list[Body]:
        """Its batch Jobs, oldest first."""
        found = self._api.list("Job", self.namespace, labelSelector=f"{JOB_UID_LABEL}={self.uid}")
        return sorted(found, key=lambda child: str(child["metadata"]["name"]))

    def pods(self) -> list[Body]:
        return self._api.list("Pod", self.namespace, labelSelector=f"{JOB_UID_LABEL}={self.uid}")

    def reports(self) -> list[Body]:
        """The reports of this life."""
        return [one for one in self._api.list("TrainingReport", self.namespace) if one["spec"]["jobUid"] == self.uid]

    def edit(self, **spec: Any) -> None:
        """Change spec fields as a user does."""
        self._api.patch("TrainingJob", self.namespace, self.name, {"spec": spec})

    def delete(self) -> None:
        self._api.delete("TrainingJob", self.namespace, self.name)

    def until_state(self, *states: str) -> Self:
        """Wait until the State column shows one of these."""
        self._stage.until(lambda: self.state in states, lambda: f"{self} to be {' or '.join(states)}")
        return self

    def until_accounted(self) -> Self:
        self._stage.until(
            lambda: self.condition("Accounted").get("status") == "True", lambda: f"{self} to be accounted"
        )
        return self

    def until_gone(self) -> None:
        """Wait until the job and its children are gone."""
        self._stage.until(lambda: self.body() is None and not self.children(), lambda: f"{self} to be gone")

    def __str__(self) -> str:
        return f"TrainingJob {self.namespace}/{self.name} ({self.state}: {self.message})"


class Stage:
    """The control plane with a node, the kinds' objects that every job needs, and one operator."""

    def __init__(self, control_plane: ControlPlane, directory: Path, *arguments: str) -> None:
        self.control_plane = control_plane
        self.api = Api(control_plane)
        self.node = Node(self.api, f"stage-{uuid.uuid4().hex[:6]}")
        self.home = f"home-{uuid.uuid4().hex[:8]}"
        self._directory = directory
        self._arguments = (RESYNC, *arguments)
        self._made: list[Body] = []

    def __enter__(self) -> Self:
        self._make("Namespace", self.home)
        self._kubeconfig = installed(self.control_plane, self.home, self._directory / "operator.kubeconfig")
        for manifest in operator_policy(self.account):
            manifest["metadata"]["name"] = manifest["metadata"]["name"] + "-" + self.home
            if "policyName" in manifest["spec"]:
                manifest["spec"]["policyName"] += "-" + self.home
                manifest["spec"]["matchResources"] = {"namespaceSelector": {"matchLabels": {"stage": self.home}}}
            self.add(manifest)
        for builder in (make_profile(), make_model()):
            self.add(builder.body())
        self.node.__enter__()
        self.operator = OperatorProcess(self._kubeconfig, self.home, self._directory, *self._arguments).start()
        self.operator.wait_until_leading()
        return self

    def __exit__(self, *_: object) -> None:
        if self.operator.running:
            self.operator.kill()
        uninstalled(self.control_plane, self.home)
        for body in reversed(self._made):
            self.api.delete(body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"])
        self.node.__exit__()

    @property
    def account(self) -> str:
        """The user that the operator is."""
        return f"system:serviceaccount:{self.home}:{RELEASE}"

    def another_operator(self, *arguments: str) -> OperatorProcess:
        """A second process of the same installation; not started."""
        return OperatorProcess(self._kubeconfig, self.home, self._directory, *self._arguments, *arguments)

    def restart(self) -> None:
        """Start the operator that was killed."""
        self.operator.start().wait_until_leading()

    def until(self, holds: Callable[[], Any], what: Callable[[], str], seconds: float = PATIENCE_SECONDS) -> Any:
        """Wait, keeping the operator running as a kubelet would; in vain, it says for what and the operator's words."""

        def looks() -> Any:
            if self.operator.process.poll() == EXIT_LEASE_LOST:
                self.operator.start()
            return holds()

        try:
            return until(looks, "", seconds)
        except AssertionError:
            tail = "\n".join(self.operator.output().splitlines()[-15:])
            raise AssertionError(f"waited {seconds:.0f} s in vain for {what()}; the operator said:\n{tail}") from None

    def add(self, manifest: Body) -> Body:
        """Create something that goes with the stage."""
        self._made.append(manifest)
        return self.api.create(manifest)

    def tenant(self, **labels: str) -> str:
        """A user's namespace with the claims that jobs read from and write to."""
        name = f"tenant-{uuid.uuid4().hex[:8]}"
        self._make("Namespace", name, **labels)
        for claim in ("corpora", "models"):
            self.claim(name, claim)
        return name

    def apply(self, job: Builder[Any]) -> Life:
        """A user creates a job."""
        body = self.api.create(job.body())
        return Life(self, body["metadata"]["namespace"], body["metadata"]["name"])

    def ledger(self, namespace: str) -> Body:
        """The spec of a namespace's ledger."""
        body = self.api.get("TrainingLedger", self.home, namespace) or {"spec": {"totals": {}, "entries": []}}
        return {"totals": {}, "entries": [], **body["spec"]}

    def settled(self, namespace: str) -> Counter[str]:
        """Jobs that the ledger has counted, by reason."""
        counted: Counter[str] = Counter()
        for one in self.ledger(namespace)["totals"].get("finished", ()):
            counted[one["reason"]] += one["jobs"]
        return counted

    def until_books_closed(self, namespace: str, jobs: int) -> Counter[str]:
        """Wait until the ledger has counted so many jobs and has no entry left."""
        self.until(
            lambda: not self.ledger(namespace)["entries"] and self.settled(namespace).total() >= jobs,
            lambda: f"{jobs} jobs settled in {self.ledger(namespace)}",
        )
        return self.settled(namespace)

    def written(self, namespace: str | None = None) -> Counter[str]:
        """Mutating requests of the operator so far, by verb and resource, from the API server's audit log."""
        log = (self.control_plane.state.parent / "audit.log").read_text().splitlines()
        counted: Counter[str] = Counter()
        for entry in map(json.loads, log):
            about = entry.get("objectRef", {})
            if entry["user"]["username"] == self.account and namespace in {None, about.get("namespace")}:
                counted["/".join(filter(None, (entry["verb"], about.get("resource"), about.get("subresource"))))] += 1
        return counted

    def _make(self, kind: str, name: str, **labels: str) -> None:
        self.add(
            {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "labels": {**labels, "stage": self.home}}}
        )

    def claim(self, namespace: str, name: str) -> None:
        """A bound claim: its volume is made by hand, as nothing provisions one here."""
        modes, volume = ["ReadWriteMany"], f"{namespace}-{name}"
        size = {"storage": "1Gi"}
        spec: Body = {"accessModes": modes, "capacity": size, "hostPath": {"path": f"/nowhere/{volume}"}}
        spec |= {"claimRef": {"namespace": namespace, "name": name}, "persistentVolumeReclaimPolicy": "Retain"}
        self.add({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": spec})
        wanted = {"accessModes": modes, "resources": {"requests": size}, "volumeName": volume, "storageClassName": ""}
        metadata = {"name": name, "namespace": namespace}
        self.add({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": wanted})
