"""The whole loop in memory: the real index, life cycle and reconciler over the fake cluster.

`await loop.turn()` is what a burst of events does: the index sees the world and every job gets passes until nothing
is written any more. `loop.restart()` is a new operator that knows only what the cluster holds.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from builders import make_model, make_profile
from coppice.accounting import ledger as books
from coppice.accounting.budget import ensure_within, position
from coppice.accounting.grid import Grid
from coppice.accounting.settlement import Settlement
from coppice.api.decision import Intensity
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingledger import LedgerEntry, Reservation, TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts, TrainingPolicySpec
from coppice.bookkeeping import close_left_behind
from coppice.index import Index, Key
from coppice.index.index import KINDS
from coppice.reconcile import Reconciler, Settings
from coppice.workloads.images import Images
from fake_cluster import CrashError, FakeClock, FakeCluster

IMAGES = Images(trainer="registry.example/coppice-trainer:test")
MAX_PASSES = 12
SOON, PATIENCE = 3, 3


@dataclass
class FakeLedger:
    """The ledger's pure arithmetic over a dictionary that survives restarts, as the stored object does."""

    cluster: FakeCluster
    specs: dict[str, TrainingLedgerSpec] = field(default_factory=dict)

    async def open(self, namespace: str, entry: LedgerEntry, budget: Amounts | None = None) -> None:
        spec = self._spec(namespace)
        if entry.reserved is not None and budget is not None:
            held = books.entry_of(spec, entry.uid)
            stand = position([spec], entry.reserved.month)
            ensure_within(stand, held.reserved if held else None, entry.reserved, budget)
        self._write(namespace, books.opened(self._spec(namespace), entry))

    async def expect(self, namespace: str, entry: LedgerEntry) -> None:
        self._write(namespace, books.expected(self._spec(namespace), entry))

    async def settle(self, namespace: str, settlement: Settlement) -> None:
        self._write(namespace, books.settled(self._spec(namespace), settlement))

    def pages(self, namespace: str) -> list[TrainingLedgerSpec]:
        return [self._spec(namespace)]

    def entries(self) -> dict[str, list[LedgerEntry]]:
        return {namespace: spec.entries for namespace, spec in self.specs.items()}

    async def release(self, namespace: str, uid: str, needed: Reservation) -> None:
        self._write(namespace, books.released(self._spec(namespace), uid, needed))

    async def prune(self, namespace: str, uid: str) -> None:
        self._write(namespace, books.pruned(self._spec(namespace), uid))

    async def withdraw(self, namespace: str, uid: str) -> None:
        self._write(namespace, books.withdrawn(self._spec(namespace), uid))

    def _spec(self, namespace: str) -> TrainingLedgerSpec:
        return self.specs.get(namespace, TrainingLedgerSpec(namespace=namespace))

    def _write(self, namespace: str, after: TrainingLedgerSpec) -> None:
        if after == self._spec(namespace):
            return
        with self.cluster.write("ledger"):
            self.specs[namespace] = after


class FixedIntensity:
    """One value for every zone."""

    def __init__(self) -> None:
        self.grid = Grid(table=self.value)

    def value(self, zone: str) -> Intensity:
        return Intensity(
            zone=zone or "DE",
            grams_per_kilowatt_hour="381",
            method="LifeCycle",
            signal="Average",
            period="2023",
            source="Our World in Data, 2023",
        )


class NoCounters:
    """Counts decisions."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def decided(self, reason: str, rejected: Any) -> None:
        self.reasons.append(reason)


class Loop:
    """An operator in memory."""

    def __init__(self, *objects: Any, policy: TrainingPolicySpec | None = None) -> None:
        self.clock = FakeClock()
        self.cluster = FakeCluster(self.clock)
        self.ledger = FakeLedger(self.cluster)
        self.policy = policy or TrainingPolicySpec(allow_register=True)
        for body in (make_profile().body(), make_model().body(), *objects):
            self.cluster.add(body)
        self.restart()

    def restart(self) -> None:
        """A new process: empty index, nothing remembered."""
        self.index = Index(self.clock)
        self.counters = NoCounters()
        self.reconciler = Reconciler(
            self.cluster,
            self.ledger,
            self.index,
            FixedIntensity(),
            self.clock,
            Settings(
                images=IMAGES,
                default_policy=self.policy,
                default_zone="DE",
                pue=Decimal("1.5"),
                software_version="0.1.0",
            ),
            self.counters,
        )

    async def turn(self) -> None:
        """Passes over every job until an observation causes no write."""
        idle = 0
        for _ in range(MAX_PASSES):
            before = len(self.cluster.writes)
            recheck = await self.pass_over_all()
            idle = idle + 1 if len(self.cluster.writes) == before else 0
            if idle and (recheck is None or recheck > SOON or idle == PATIENCE):
                return
            self.clock.advance(recheck if idle and recheck else 0)
        raise AssertionError(f"the loop does not come to rest: {self.cluster.writes[-10:]}")

    async def turn_of_two_lives(self) -> None:
        """A turn; where the process is killed in it, a new one goes on."""
        try:
            await self.turn()
        except CrashError:
            self.cluster.crash_before = self.cluster.crash_after = None
            self.restart()
            await self.turn()

    async def pass_over_all(self) -> float | None:
        """One pass over every job that exists or departed."""
        woken = self.cluster.feed(self.index, KINDS)
        await close_left_behind(self.ledger, self.index)
        keys = {key for key in woken if key.kind == "TrainingJob"} | {key for key, _ in self.index.jobs()}
        keys |= set(self.index.unfinished())
        rechecks = [await self.reconciler.reconcile(key) for key in sorted(keys)]
        return min((seconds for seconds in rechecks if seconds is not None), default=None)

    def apply(self, job: Any) -> Key:
        """A user creates a TrainingJob; its namespace is there."""
        body = job.body()
        name = body["metadata"]["namespace"]
        if ("Namespace", "", name) not in self.cluster.objects:
            self.cluster.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        body = self.cluster.add(body)
        return Key("TrainingJob", body["metadata"]["namespace"], body["metadata"]["name"])

    def job(self, key: Key) -> TrainingJob:
        """The job as the cluster holds it."""
        return TrainingJob.model_validate(self.cluster.objects[tuple(key)])

    def state(self, key: Key) -> str:
        """Reason of Succeeded: the State column."""
        job = self.job(key)
        return (
            next((item.reason for item in job.status.conditions if item.type == "Succeeded"), "") if job.status else ""
        )

    def conditions(self, key: Key) -> dict[str, str]:
        """Status of each condition by type."""
        job = self.job(key)
        return {item.type: item.status for item in job.status.conditions} if job.status else {}

    def reports(self) -> list[Any]:
        """Reports written so far."""
        return [body for (kind, _, _), body in self.cluster.objects.items() if kind == "TrainingReport"]

    def finished_jobs(self, namespace: str = "research") -> int:
        """Jobs that the namespace's ledger has counted."""
        spec = self.ledger.specs.get(namespace)
        return sum(item.jobs for item in spec.totals.finished) if spec else 0
