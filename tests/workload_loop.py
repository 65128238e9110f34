"""Workloads of other controllers in memory: an accountant over the fake cluster, and those who play controllers.

`await loop.rounds()` is a minute of rounds and more; `loop.restart()` is a new process that knows what the cluster and
the ledger hold. Only the real API server shows selectors, rights and definitions: tests/cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from builders import make_profile
from coppice.accountant import ROUND_SECONDS, Accountant
from coppice.accounting.metered import PodMeter
from coppice.accounting.zone import Whereabouts
from coppice.api.labels import ACCOUNT_LABEL
from coppice.api.trainingpolicy import TrainingPolicySpec
from coppice.api.trainingreport import TrainingReport
from coppice.bookkeeping import close_left_behind
from coppice.index import Index
from coppice.index.index import KINDS
from coppice.reconcile import Settings
from coppice.workloads.accounted import WORKLOAD_KINDS
from coppice.workloads.images import Images
from fake_cluster import Body, FakeClock, FakeCluster
from loop import FakeLedger, FixedIntensity

NAMESPACE = "research"
LABELLED = {ACCOUNT_LABEL: "true"}


class FakeNodes:
    """Nodes with labels; `zones` by name."""

    def __init__(self) -> None:
        self.by_name: dict[str, Mapping[str, str]] = {}
        self.zones: dict[str, str] = {}

    def zone(self, name: str) -> str:
        return self.zones.get(name, "")

    def labels(self, name: str) -> Mapping[str, str] | None:
        return self.by_name.get(name)

    def whereabouts(self, profiles: Any) -> Mapping[str, Whereabouts]:
        return {}

    async def know(self, names: Any) -> None:
        list(names)


@dataclass
class FakeMeters:
    """What meters say of pods, by uid."""

    readings: dict[str, PodMeter]


class WorkloadLoop:
    """An accountant in memory."""

    def __init__(self, *objects: Any, meters: FakeMeters | None = None) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.ledger = FakeLedger(self.cluster)
        self.nodes = FakeNodes()
        self.meters = meters
        for body in objects or (make_profile().body(),):
            self.cluster.add(body)
        self.restart()

    def restart(self) -> None:
        """A new process: nothing remembered."""
        self.index = Index(self.clock)
        settings = Settings(
            images=Images(trainer="none"),
            default_policy=TrainingPolicySpec(),
            default_zone="DE",
            pue=Decimal("1.5"),
            software_version="0.1.0",
        )
        self.accountant = Accountant(
            self.cluster, self.ledger, self.index, FixedIntensity(), self.clock, settings, self.meters, self.nodes
        )

    async def round(self, seconds: float = ROUND_SECONDS) -> None:
        """One round, and the time until the next."""
        self.cluster.feed(self.index, KINDS)
        await close_left_behind(self.ledger, self.index)
        await self.accountant.round()
        self.clock.advance(seconds)

    async def rounds(self, number: int = 3) -> None:
        for _ in range(number):
            await self.round()

    async def later(self, seconds: float = 301) -> None:
        """A round, a long time, and the rounds after it."""
        await self.round(seconds)
        await self.rounds(2)

    def workload(self, kind: str, name: str, owner: Body | None = None, *, labelled: bool = True, **more: Any) -> Body:
        """A user, or the owner's controller, creates one."""
        metadata: Body = {"name": name, "namespace": NAMESPACE, "labels": dict(LABELLED) if labelled else {}, **more}
        if owner is not None:
            metadata["ownerReferences"] = [reference(owner)]
            if owner["kind"] == "JobSet":
                metadata["labels"][WORKLOAD_KINDS["JobSet"].pod_label] = owner["metadata"]["name"]
        api_version = WORKLOAD_KINDS[kind].api_version if kind in WORKLOAD_KINDS else "coppice.dev/v1alpha1"
        return self.cluster.add({"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": {}})

    def pod(self, owner: Body, name: str = "", *, node: str = "node-1", **resources: str) -> Body:
        """A controller's pod that got a node now: its labels are those that the controllers above it set."""
        now = stamp(self.clock)
        name = name or f"{owner['metadata']['name']}-a"
        labels, above = {}, owner
        while above:
            kind = WORKLOAD_KINDS.get(above["kind"])
            if kind is not None and above["kind"] != "TrainJob":
                labels[kind.pod_label] = above["metadata"]["name"]
            if above["kind"] == "Job":
                labels["batch.kubernetes.io/controller-uid"] = above["metadata"]["uid"]
            if above["kind"] == "JobSet":
                labels["jobset.sigs.k8s.io/jobset-uid"] = above["metadata"]["uid"]
            above = self._owner(above)
        requests = {"cpu": "1", "memory": "1Gi"} | resources
        spec = {"nodeName": node, "containers": [{"name": "main", "resources": {"requests": requests}}]}
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels, "ownerReferences": [reference(owner)]}
        scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": now}
        running = {"name": "main", "restartCount": 0, "state": {"running": {"startedAt": now}}}
        status = {"phase": "Running", "conditions": [scheduled], "containerStatuses": [running]}
        return self.cluster.add(
            {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}
        )

    def end(self, workload: Body, *, well: bool = True) -> None:
        """The workload's controller says that it is over."""
        kind = WORKLOAD_KINDS[workload["kind"]]
        condition = {"type": kind.succeeded if well else kind.failed, "status": "True", "message": "its words"}
        workload["status"] = {"conditions": [condition | {"lastTransitionTime": stamp(self.clock)}]}
        self.cluster.touch(workload)

    def unlabel(self, workload: Body) -> None:
        workload["metadata"]["labels"].pop(ACCOUNT_LABEL)
        self.cluster.touch(workload)

    def remove(self, body: Body) -> None:
        self.cluster.remove(body["kind"], NAMESPACE, body["metadata"]["name"])

    def reports(self) -> list[TrainingReport]:
        found = [body for (kind, _, _), body in self.cluster.objects.items() if kind == "TrainingReport"]
        return [TrainingReport.model_validate(body) for body in found]

    @property
    def totals(self) -> Any:
        return self.ledger.pages(NAMESPACE)[0].totals

    @property
    def entries(self) -> Any:
        return self.ledger.pages(NAMESPACE)[0].entries

    @property
    def finished(self) -> dict[str, int]:
        return {row.reason: row.jobs for row in self.totals.finished}

    @property
    def joules(self) -> Decimal:
        return sum((row.joules for row in self.totals.energy), Decimal(0))

    def _owner(self, body: Body) -> Body | None:
        for owner in body["metadata"].get("ownerReferences", ()):
            return self.cluster.objects.get((owner["kind"], NAMESPACE, owner["name"]))
        return None


def reference(owner: Body) -> Body:
    return {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "controller": True,
            "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}  # fmt: skip


def stamp(clock: FakeClock) -> str:
    return clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")


def hand_computed_joules(seconds: float) -> Decimal:
    """cpu-generic of the builders, 1 core and 1 GiB of 4 cores and 16 GiB; PUE 1.5; half of a core expected busy."""
    host = make_profile().build().spec.host
    share = Decimal(1) / host.cores
    watts = host.idle_watts * share + Decimal("0.5") * (host.peak_watts - host.idle_watts) / host.cores
    return watts * Decimal(seconds) * Decimal("1.5")
