"""The open accounts of workloads that nobody decided about: computed in turns, noted in the ledger, closed at the end.

A round has a share of its time for workloads of which there is no news; those with news, and those that are over, come
first. Figures of thousands of running workloads are therefore some minutes old, and closing one is never late for them.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from zlib import crc32

from coppice.accounting.zone import Whereabouts
from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingledger import LedgerEntry
from coppice.closing import Closing
from coppice.index import Index
from coppice.index.workloads import WorkloadLife
from coppice.lifecycle.gone_pods import remembered
from coppice.lifecycle.workload import WorkloadPlan, account_workload
from coppice.lifecycle.workload_books import ObservedWorkload
from coppice.ports import Clock, Cluster, ClusterError, IntensityProvider, Ledger, Meters, Nodes
from coppice.reconcile import Settings
from coppice.workloads.accounted import SeenWorkload, WorkloadPod
from coppice.workloads.seen import SeenPod

NOTE_AFTER = timedelta(minutes=5)
"""How often the ledger is told what an open workload has used so far: all that is left if it goes unseen."""

TOGETHER = 16

HEAVY = 100
"""Pods of a workload whose account takes so long, some 50 ms, that a thread computes it."""

SHARE = 0.1
"""Of a round's time, for accounts of workloads of which there is no news: about two minutes late at 5,000."""

Entries = dict[str, tuple[str, LedgerEntry]]
"""Namespace and entry of workloads by uid, as of the round's start."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenAccount:
    """The account of a workload that is not closed, up to now."""

    workload: SeenWorkload
    totals: TotalsStatus | None
    profiles: tuple[str, ...]


class OpenAccounts:
    """Workloads whose account is open, by uid, and what was last planned for each. `timer` measures a round's time."""

    def __init__(
        self,
        cluster: Cluster,
        ledger: Ledger,
        index: Index,
        intensity: IntensityProvider,
        clock: Clock,
        settings: Settings,
        closing: Closing,
        meters: Meters | None,
        nodes: Nodes | None,
    ) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._index = index
        self._intensity = intensity
        self._clock = clock
        self._settings = settings
        self._closing = closing
        self._meters = meters
        self._nodes = nodes
        self._plans: dict[str, WorkloadPlan] = {}
        self.lives: dict[str, WorkloadLife] = {}
        self.timer: Callable[[], float] = monotonic

    async def account_for_all(
        self, entries: Entries, settled: Mapping[str, AbstractSet[str]], round_seconds: float
    ) -> None:
        """First those of which there is news, then, for a share of the time, the others: the oldest figures first."""
        lives = list(self.lives.values())
        pressing = [life for life in lives if life.pressing]
        urgent = {life.workload.uid for life in pressing}
        others = sorted((life for life in lives if life.workload.uid not in urgent), key=lambda life: life.priced_at)
        for some in _together(pressing):
            await self._account_for(some, entries, settled)
        until = self.timer() + round_seconds * SHARE
        for some in _together(others):
            if self.timer() >= until:
                return
            await self._account_for(some, entries, settled)

    async def _account_for(
        self, lives: list[WorkloadLife], entries: Entries, settled: Mapping[str, AbstractSet[str]]
    ) -> None:
        """Compute one after the other, so that others have their turn; write together, for one write of the ledger."""
        planned: list[Awaitable[None]] = []
        for life in lives:
            uid, namespace = life.workload.uid, life.workload.namespace
            entry = entries[uid][1] if uid in entries else None
            if life.barren and entry is None:
                if life.workload.ended_at is None:
                    self.forget(uid)  # it is gone, and nothing of it ever ran
                continue
            with putting_off(namespace, life.workload):
                plan = await self._plan(self._observe(life, entry, settled[namespace]))
                planned.append(self._try(life, plan, entry))
        await asyncio.gather(*planned)

    async def _plan(self, observed: ObservedWorkload) -> WorkloadPlan:
        if len(observed.pods) >= HEAVY:
            return await asyncio.to_thread(account_workload, observed)
        await asyncio.sleep(0)
        return account_workload(observed)

    def shown(self) -> list[OpenAccount]:
        """What metrics show of workloads whose account is open and of which a pod has held a node."""
        return [
            OpenAccount(self.lives[uid].workload, plan.totals, plan.books.profile_names)
            for uid, plan in self._plans.items()
            if uid in self.lives
        ]

    def pods(self) -> Iterator[tuple[SeenPod, ComputeProfile]]:
        """Every priced pod of every open account, for those who ask meters."""
        for uid, plan in self._plans.items():
            life = self.lives.get(uid)
            for pod in life.pods.values() if life else ():
                profile = plan.books.profiles.get(pod.seen.uid)
                if profile is not None:
                    yield pod.seen, profile

    def nodes(self) -> set[str]:
        """Names of nodes that their pods were put on."""
        return {pod.seen.node for life in self.lives.values() for pod in life.pods.values() if pod.seen.node}

    async def _try(self, life: WorkloadLife, plan: WorkloadPlan, entry: LedgerEntry | None) -> None:
        """Do what a plan wants; only what was done is not pressing any more."""
        with putting_off(life.workload.namespace, life.workload):
            await self._do(life, plan, entry)
            life.priced, life.priced_at = (life.workload, life.pods), self._clock.now()

    async def _do(self, life: WorkloadLife, plan: WorkloadPlan, entry: LedgerEntry | None) -> None:
        workload, now = life.workload, self._clock.now()
        if plan.entry is None:
            await self._account_of_nothing(life, entry)
            return
        self._plans[workload.uid] = plan
        if entry is None:
            await self._ledger.open(workload.namespace, plan.entry)
            life.noted_at = now
        elif life.noted_at is None or now - life.noted_at >= NOTE_AFTER or _gone(plan.entry) - _gone(entry):
            await self._ledger.expect(workload.namespace, plan.entry)
            life.noted_at = now
        if plan.report is not None and life.read_over:
            closed = replace(plan, report=await self._closing.close(workload, plan.report))
            if closed.event is not None:
                await self._cluster.emit(life.body, closed.event)
            self.forget(workload.uid)

    async def _account_of_nothing(self, life: WorkloadLife, entry: LedgerEntry | None) -> None:
        """Over, with an entry, and every pod gone while nobody looked: what the entry says is all that is left."""
        if entry is None or not life.barren:
            return
        await self._closing.settle_unseen(life.workload.namespace, entry)
        self.forget(life.workload.uid)

    def _observe(self, life: WorkloadLife, entry: LedgerEntry | None, settled: AbstractSet[str]) -> ObservedWorkload:
        profiles = self._index.profiles
        places: Mapping[str, Whereabouts] = self._nodes.whereabouts(profiles) if self._nodes else {}
        return ObservedWorkload(
            now=self._clock.now(),
            workload=life.workload,
            pods=tuple(self._placed(pod) for pod in life.pods.values()),
            profiles=profiles,
            grid=self._intensity.grid,
            default_zone=self._settings.default_zone,
            pue=self._settings.pue,
            labels=self._labels(life),
            whereabouts=places,
            meters=self._meters.readings if self._meters else None,
            settled=settled,
            entry=entry,
            below=life.jobsets,
        )

    def _placed(self, pod: WorkloadPod) -> WorkloadPod:
        zone = self._nodes.zone(pod.seen.node) if self._nodes else ""
        return replace(pod, seen=replace(pod.seen, zone=zone)) if zone else pod

    def _labels(self, life: WorkloadLife) -> dict[str, Mapping[str, str]]:
        if self._nodes is None:
            return {}
        found: dict[str, Mapping[str, str] | None] = {
            pod.seen.node: self._nodes.labels(pod.seen.node) for pod in life.pods.values()
        }
        return {name: labels for name, labels in found.items() if labels is not None}

    def forget(self, uid: str) -> None:
        self.lives.pop(uid, None)
        self._plans.pop(uid, None)


@contextmanager
def putting_off(namespace: str, workload: SeenWorkload | str) -> Iterator[None]:
    """What goes wrong with the account of one workload is told, and no reason to leave the others."""
    try:
        yield
    except ClusterError as error:
        log.warning("the account of %s in %s is put off: %s", workload, namespace, error)
    except Exception:
        log.exception("the account of %s in %s failed", workload, namespace)


def _together(lives: Sequence[WorkloadLife]) -> Iterator[list[WorkloadLife]]:
    for first in range(0, len(lives), TOGETHER):
        yield list(lives[first : first + TOGETHER])


def life_of(workload: SeenWorkload, body: Mapping[str, Any], entry: LedgerEntry | None, now: datetime) -> WorkloadLife:
    """A workload as this process first sees it, with the pods that only the ledger remembers.

    A former process told the ledger at most five minutes ago; when it did is not known, so thousands of them are
    spread over the next five minutes and not told again all at once.
    """
    if entry is None:
        return WorkloadLife(workload, body)
    noted_at = now - NOTE_AFTER * (crc32(workload.uid.encode()) / 2**32)
    return WorkloadLife(workload, body, remembered(entry, workload.namespace), noted_at=noted_at)


def _gone(entry: LedgerEntry) -> set[tuple[str, int]]:
    return {(pod.uid, pod.pods) for pod in entry.gone or ()}
