"""Accounting without deciding: one round looks at every labelled workload, and closes the accounts of those that ended.

A round LISTs the four kinds with the label as a server-side selector, and the pods of open workloads by their
names. Nothing is watched: a round needs no gate, no resync and no cure for a stalled watch, a kind whose
definition is missing costs one refused request in a resync, and a cluster without labelled workloads costs four
empty answers in fifteen seconds. The price is that a pod is seen to vanish up to a round late, and that a workload that
is made, ends and is deleted within one round is never seen.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from coppice.api.trainingledger import LedgerEntry
from coppice.api.trainingreport import TrainingReport
from coppice.closing import Closing
from coppice.index import Index
from coppice.index.workloads import WorkloadLife
from coppice.labelled import Labelled, Sight, identity
from coppice.lifecycle.gone_pods import remembered
from coppice.open_accounts import Entries, OpenAccounts, life_of, putting_off
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
from coppice.workloads.accounted import SeenWorkload, seen_workload

ROUND_SECONDS = 15.0
SEEN_LATE = "That was seen only after the operator had started again: what it used until then is counted too."

log = logging.getLogger(__name__)


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
        self._clock = clock
        self._nodes = nodes
        self._round_seconds = min(ROUND_SECONDS, resync_seconds)
        self._resync = timedelta(seconds=resync_seconds)
        self._closing = Closing(cluster, ledger, index)
        self._labelled = Labelled(cluster, self._resync)
        self._tidied: datetime | None = None
        self.open = OpenAccounts(cluster, ledger, index, intensity, clock, settings, self._closing, meters, nodes)

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
            if uid not in self.open.lives:
                self.open.lives[uid] = life_of(workload, body, entries[uid][1] if uid in entries else None, now)
            self.open.lives[uid].seen(workload, body)
        for workload in (*seen.covered.values(), *orphans.values()):
            with putting_off(workload.namespace, workload):
                await self._drop_covered(workload, entries, now)
        for life in list(self.open.lives.values()):
            if life.workload.uid not in seen.there and life.workload.kind in seen.kinds:
                with putting_off(life.workload.namespace, life.workload):
                    await self._missing(life, entries, now)
        await self._left_behind(seen.there, seen.kinds, entries, now)
        await read_pods(self._cluster, self.open.lives.values(), now)
        if self._nodes is not None:
            await self._nodes.know(self.open.nodes())
        await self.open.account_for_all(entries, self._settled(entries), self._round_seconds)

    def _entries(self) -> Iterator[tuple[str, LedgerEntry]]:
        for namespace, entries in dict(self._ledger.entries()).items():
            for entry in entries:
                if entry.kind:
                    yield namespace, entry

    def _orphans(self, seen: Sight) -> dict[str, SeenWorkload]:
        """JobSets whose TrainJob is gone: its account has or had their pods."""
        alone = {uid: each for uid, (each, _) in seen.counted.items() if each.kind == "JobSet" and each.owner is None}
        known = {uid for life in self.open.lives.values() for uid in life.jobsets}
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
            for namespace in {life.workload.namespace for life in self.open.lives.values()}
        }
        for uid, (namespace, entry) in entries.items():
            if entry.settled and namespace in settled:
                settled[namespace].add(uid)
        return settled

    async def _drop_covered(self, workload: SeenWorkload, entries: Entries, now: datetime) -> None:
        """A workload above counts these pods: what was opened for this one is taken back, unless a report stands.

        The one above cannot see pods that have vanished, so it is told of them.
        """
        uid, pods = workload.uid, self.open.lives[workload.uid].pods if workload.uid in self.open.lives else {}
        if uid in entries:
            namespace, entry = entries[uid]
            pods = pods or remembered(entry, namespace)
            if entry.settled or not await self._closing.take_back(namespace, entry):
                entries[uid] = namespace, entry.model_copy(update={"settled": True})
                pods = {}
        self.open.forget(uid)
        above = await self._labelled.above(workload, now)
        heir = next((self.open.lives[owner] for owner in reversed(above) if owner in self.open.lives), None)
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
            if uid in there or uid in self.open.lives or entry.kind not in kinds or (entry.settled and not tidy):
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
            life = self.open.lives[entry.uid] = life_of(found, identity(body), entry, now)
            life.left(found if found.ended_at else replace(found, message=SEEN_LATE), now)


def _jobsets(report: TrainingReport) -> Sequence[str]:
    return (report.spec.workload and report.spec.workload.below) or ()
