"""Accounting without deciding: one round looks at every labelled workload, and closes the accounts of those that ended.

A round LISTs the four kinds with the label as a server-side selector, and the pods of open workloads by their
names. Nothing is watched: a round needs no gate, no resync and no cure for a stalled watch, a kind whose
definition is missing costs one refused request in a resync, and a cluster without labelled workloads costs four
empty answers in fifteen seconds. The price is that a pod is seen to vanish up to a round late, and that a workload that
is made, ends and is deleted within one round is never seen.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
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
from coppice.api.trainingreport import TrainingReport
from coppice.closing import Closing
from coppice.index import Index
from coppice.index.workloads import WorkloadLife
from coppice.labelled import Labelled, Sight, identity
from coppice.lifecycle.gone_pods import remembered
from coppice.lifecycle.workload import WorkloadPlan, account_workload
from coppice.lifecycle.workload_books import ObservedWorkload
from coppice.ports import (
    Clock,
    Cluster,
    ClusterError,
    IntensityProvider,
    Ledger,
    Meters,
    Nodes,
)
from coppice.reconcile import Settings
from coppice.workload_pods import read_pods
from coppice.workloads.accounted import SeenWorkload, WorkloadPod, seen_workload
from coppice.workloads.seen import SeenPod

ROUND_SECONDS = 15.0
NOTE_AFTER = timedelta(minutes=5)
"""How often the ledger is told what an open workload has used so far: all that is left if it goes unseen."""

TOGETHER = 16

HEAVY = 100
"""Pods of a workload whose account takes so long, some 50 ms, that a thread computes it."""

SHARE = 0.1
"""Of a round's time, for the accounts of workloads of whose pods there is no news: tens of seconds late at 5,000."""

SEEN_LATE = "That was seen only after the operator had started again: what it used until then is counted too."

Entries = dict[str, tuple[str, LedgerEntry]]
"""Namespace and entry of workloads by uid, as of the round's start."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OpenAccount:
    """The account of a workload that is not closed, up to now."""

    workload: SeenWorkload
    totals: TotalsStatus | None
    profiles: tuple[str, ...]


class Accountant:
    """`round` is level-triggered and may be repeated or cut off at any write; `keep` repeats it for ever."""

    def __init__(
        self,
        cluster: Cluster,
        ledger: Ledger,
        index: Index,
        intensity: IntensityProvider,
        clock: Clock,
        settings: Settings,
        meters: Meters | None = None,
        nodes: Nodes | None = None,
        resync_seconds: float = 300.0,
    ) -> None:
        self._cluster = cluster
        self._ledger = ledger
        self._index = index
        self._intensity = intensity
        self._clock = clock
        self._settings = settings
        self._meters = meters
        self._nodes = nodes
        self._round_seconds = min(ROUND_SECONDS, resync_seconds)
        self._resync = timedelta(seconds=resync_seconds)
        self._closing = Closing(cluster, ledger, index)
        self._labelled = Labelled(cluster, self._resync)
        self._lives: dict[str, WorkloadLife] = {}
        self._plans: dict[str, WorkloadPlan] = {}
        self._tidied: datetime | None = None
        self.timer: Callable[[], float] = monotonic

    async def keep(self, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """A round every fifteen seconds, or with every resync where those are more frequent; for ever."""
        while True:
            try:
                await self.round()
            except ClusterError as error:
                log.warning("accounting of workloads is put off: %s", error)
            except Exception:
                # An object of a shape that nobody expects must not end the operator.
                log.exception("accounting of workloads is put off")
            await sleep(self._round_seconds)

    async def round(self) -> None:
        """Look at every labelled workload and at every open entry, and do what is to be done. Raises ClusterError."""
        now = self._clock.now()
        entries = {entry.uid: (name, entry) for name, entry in self._entries()}
        seen = await self._labelled.look(now, entries)
        orphans = self._orphans(seen)
        for uid, (workload, body) in seen.counted.items():
            if uid in orphans:
                continue
            if uid in entries and entries[uid][1].settled:
                continue
            if uid not in self._lives:
                self._lives[uid] = _life(workload, body, entries[uid][1] if uid in entries else None, now)
            self._lives[uid].seen(workload, body)
        for workload in (*seen.covered.values(), *orphans.values()):
            with putting_off(workload.namespace, workload):
                await self._drop_covered(workload, entries, now)
        for life in list(self._lives.values()):
            if life.workload.uid not in seen.there and life.workload.kind in seen.kinds:
                with putting_off(life.workload.namespace, life.workload):
                    await self._missing(life, entries, now)
        await self._left_behind(seen.there, seen.kinds, entries, now)
        await read_pods(self._cluster, self._lives.values(), now)
        if self._nodes is not None:
            await self._nodes.know(self.nodes())
        await self._account_for_all(entries, self._settled(entries))

    async def _account_for_all(self, entries: Entries, settled: Mapping[str, AbstractSet[str]]) -> None:
        """First those of which there is news, then, for a share of the time, the others: the oldest figures first."""
        lives = list(self._lives.values())
        pressing = [life for life in lives if life.pressing]
        urgent = {life.workload.uid for life in pressing}
        others = sorted((life for life in lives if life.workload.uid not in urgent), key=lambda life: life.priced_at)
        for some in _together(pressing):
            await self._account_for(some, entries, settled)
        until = self.timer() + self._round_seconds * SHARE
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
                    self._forget(uid)  # it is gone, and nothing of it ever ran
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

    def open_accounts(self) -> list[OpenAccount]:
        """What metrics show of workloads whose account is open and of which a pod has held a node."""
        return [
            OpenAccount(self._lives[uid].workload, plan.totals, plan.books.profile_names)
            for uid, plan in self._plans.items()
            if uid in self._lives
        ]

    def pods(self) -> Iterator[tuple[SeenPod, ComputeProfile]]:
        """Every priced pod of every open account, for those who ask meters."""
        for uid, plan in self._plans.items():
            life = self._lives.get(uid)
            for pod in life.pods.values() if life else ():
                profile = plan.books.profiles.get(pod.seen.uid)
                if profile is not None:
                    yield pod.seen, profile

    def nodes(self) -> set[str]:
        """Names of nodes that their pods were put on."""
        return {pod.seen.node for life in self._lives.values() for pod in life.pods.values() if pod.seen.node}

    def _entries(self) -> Iterator[tuple[str, LedgerEntry]]:
        for namespace, entries in dict(self._ledger.entries()).items():
            for entry in entries:
                if entry.kind:
                    yield namespace, entry

    def _orphans(self, seen: Sight) -> dict[str, SeenWorkload]:
        """JobSets whose TrainJob is gone: its account has or had their pods."""
        alone = {uid: each for uid, (each, _) in seen.counted.items() if each.kind == "JobSet" and each.owner is None}
        known = {uid for life in self._lives.values() for uid in life.jobsets}
        for namespace in {each.namespace for each in alone.values()}:
            known |= {uid for report in self._index.reports(namespace) for uid in _jobsets(report)}
        return {uid: each for uid, each in alone.items() if uid in known}

    def _settled(self, entries: Entries) -> dict[str, set[str]]:
        """Uids of workloads whose account is closed, of each namespace with open ones."""
        settled = {
            namespace: {
                uid
                for report in self._index.reports(namespace)
                if report.spec.workload
                for uid in (report.spec.job_uid, *_jobsets(report))
            }
            for namespace in {life.workload.namespace for life in self._lives.values()}
        }
        for uid, (namespace, entry) in entries.items():
            if entry.settled and namespace in settled:
                settled[namespace].add(uid)
        return settled

    async def _drop_covered(self, workload: SeenWorkload, entries: Entries, now: datetime) -> None:
        """A workload above counts these pods: what was opened for this one is taken back, unless a report stands.

        The one above cannot see pods that have vanished, so it is told of them.
        """
        uid, pods = workload.uid, self._lives[workload.uid].pods if workload.uid in self._lives else {}
        if uid in entries:
            namespace, entry = entries[uid]
            pods = pods or remembered(entry, namespace)
            if entry.settled or not await self._closing.take_back(namespace, entry):
                entries[uid] = namespace, entry.model_copy(update={"settled": True})
                pods = {}
        self._forget(uid)
        above = await self._labelled.above(workload, now)
        heir = next((self._lives[owner] for owner in reversed(above) if owner in self._lives), None)
        if heir is not None:
            heir.inherit(pods)

    async def _missing(self, life: WorkloadLife, entries: Entries, now: datetime) -> None:
        workload = life.workload
        if workload.gone_at is not None or workload.left_at is not None:
            return
        body = await self._cluster.get(workload.kind, workload.namespace, workload.name)
        if body is None or body["metadata"]["uid"] != workload.uid:
            life.gone(now)
            return
        found = seen_workload(workload.kind, body)
        if found.labelled:
            return
        if await self._labelled.covered(found, entries, now):
            await self._drop_covered(found, entries, now)
        else:
            life.left(found, now)

    async def _left_behind(
        self,
        there: Collection[str],
        kinds: frozenset[str],
        entries: Entries,
        now: datetime,
    ) -> None:
        """Entries of workloads that no list shows and this process never saw: after a restart, or long settled."""
        tidy = self._tidied is None or now - self._tidied >= self._resync
        for uid, (namespace, entry) in list(entries.items()):
            if uid in there or uid in self._lives or entry.kind not in kinds or (entry.settled and not tidy):
                continue
            with putting_off(namespace, f"{entry.kind.lower()}/{entry.name}"):
                await self._of_entry(namespace, entry, entries, now)
        self._tidied = now if tidy else self._tidied

    async def _of_entry(self, namespace: str, entry: LedgerEntry, entries: Entries, now: datetime) -> None:
        body = await self._cluster.get(entry.kind, namespace, entry.name)
        if body is None or body["metadata"]["uid"] != entry.uid:
            if not entry.settled:
                await self._closing.settle_unseen(namespace, entry)
            await self._ledger.prune(namespace, entry.uid)
        elif not entry.settled:
            found = seen_workload(entry.kind, body)
            if found.labelled:
                return  # labelled since the list was made: the next one shows it
            if await self._labelled.covered(found, entries, now):
                await self._drop_covered(found, entries, now)
                return
            life = self._lives[entry.uid] = _life(found, identity(body), entry, now)
            life.left(found if found.ended_at else replace(found, message=SEEN_LATE), now)

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
            self._forget(workload.uid)

    async def _account_of_nothing(self, life: WorkloadLife, entry: LedgerEntry | None) -> None:
        """Over, with an entry, and every pod gone while nobody looked: what the entry says is all that is left."""
        if entry is None or not life.barren:
            return
        await self._closing.settle_unseen(life.workload.namespace, entry)
        self._forget(life.workload.uid)

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

    def _forget(self, uid: str) -> None:
        self._lives.pop(uid, None)
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


def _life(workload: SeenWorkload, body: Mapping[str, Any], entry: LedgerEntry | None, now: datetime) -> WorkloadLife:
    """A workload as this process first sees it, with the pods that only the ledger remembers.

    A former process told the ledger at most five minutes ago; when it did is not known, so thousands of them are
    spread over the next five minutes and not told again all at once.
    """
    if entry is None:
        return WorkloadLife(workload, body)
    noted_at = now - NOTE_AFTER * (crc32(workload.uid.encode()) / 2**32)
    return WorkloadLife(workload, body, remembered(entry, workload.namespace), noted_at=noted_at)


def _jobsets(report: TrainingReport) -> Sequence[str]:
    return (report.spec.workload and report.spec.workload.below) or ()


def _gone(entry: LedgerEntry) -> set[tuple[str, int]]:
    return {(pod.uid, pod.pods) for pod in entry.gone or ()}
