"""Which workloads carry the label, and which of them count: the outermost of those that own one another.

A JobSet may pass its labels on to its Jobs, and a TrainJob to its JobSet; their pods are the same ones. Owners without
the label may stand in between, so the chain is followed to its top, asking for owners that no list shows, each once
in a resync.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from coppice.api.labels import ACCOUNT_SELECTOR
from coppice.ports import Cluster, ClusterError, Forbidden, NotFound
from coppice.readable import Readable
from coppice.workloads.accounted import WORKLOAD_KINDS, Owner, SeenWorkload, covered_by_others, seen_workload

DEEPEST = 8

log = logging.getLogger(__name__)

Body = Mapping[str, Any]


@dataclass
class Sight:
    """Workloads by uid: those that count, with their bodies, and those whose owner counts. `kinds` could be read.

    `there` are these and those of which it cannot be told now who counts.
    """

    counted: dict[str, tuple[SeenWorkload, Body]] = field(default_factory=dict)
    covered: dict[str, SeenWorkload] = field(default_factory=dict)
    kinds: frozenset[str] = frozenset()
    there: Collection[str] = ()


class Labelled:
    """Looks at the API server; remembers for `patience` which kinds it lacks, and who owns what."""

    def __init__(self, cluster: Cluster, patience: timedelta) -> None:
        self._cluster = cluster
        self._patience = patience
        self._later: dict[str, datetime] = {}
        self._missed: set[str] = set()
        self._absent: set[str] = set()
        self._found: dict[str, tuple[SeenWorkload, Body]] = {}
        self._above: dict[tuple[str, str], tuple[SeenWorkload | None, datetime]] = {}

    async def look(self, now: datetime, accounted: Collection[str]) -> Sight:
        """Every labelled workload of every kind that is served and may be read; `accounted` have entries."""
        found: dict[str, tuple[SeenWorkload, Body]] = {}
        listed: set[str] = set()
        for kind in WORKLOAD_KINDS:
            bodies = await self._list(kind, now)
            if bodies is not None:
                listed.add(kind)
            read = Readable(kind, partial(seen_workload, kind))
            for body in bodies or []:
                workload = read(body)
                if workload is not None:
                    found[workload.uid] = workload, identity(body)
            read.tell()
            # One that can be read no more is there still: as it was read last.
            found |= {uid: self._found[uid] for uid in read.odd if uid in self._found}
        self._found = found
        sight = Sight(kinds=frozenset(listed | self._absent), there=found.keys())
        for uid, (workload, its_body) in found.items():
            try:
                covered = await self.covered(workload, accounted, now)
            except ClusterError as error:
                log.warning("who is above %s in %s cannot be told now: %s", workload, workload.namespace, error)
                continue
            if covered:
                sight.covered[uid] = workload
            else:
                sight.counted[uid] = workload, its_body
        self._above = {key: known for key, known in self._above.items() if known[1] > now}
        return sight

    async def covered(self, workload: SeenWorkload, accounted: Collection[str], now: datetime) -> bool:
        """Whether one above it counts its pods, as of the last look."""
        return covered_by_others(await self._owners(workload, now), accounted)

    async def above(self, workload: SeenWorkload, now: datetime) -> list[str]:
        """uids of those above it, nearest first."""
        return [owner.uid for owner in await self._owners(workload, now)]

    async def _list(self, kind: str, now: datetime) -> list[dict[str, Any]] | None:
        """Its labelled objects; None where this cannot be told now."""
        if now < self._later.get(kind, now):
            return None
        try:
            bodies, _ = await self._cluster.list(kind, None, ACCOUNT_SELECTOR)
        except NotFound:
            await self._not_served(kind)
            self._later[kind] = now + self._patience
            return None
        except Forbidden as error:
            log.warning("%ss with the label are not accounted, for they may not be read: %s", kind, error)
            self._absent.discard(kind)
            self._later[kind] = now + self._patience
            return None
        except ClusterError as error:
            log.warning("looking for labelled %ss is put off: %s", kind, error)
            return None
        self._absent.discard(kind)
        self._missed.discard(kind)
        return bodies

    async def _not_served(self, kind: str) -> None:
        """With a definition its objects go; a version that is served no more, or not yet, takes no object away."""
        self._absent.discard(kind)
        try:
            served = await self._cluster.has_group(kind)
        except ClusterError as error:
            log.warning("whether the API has %ss cannot be told now: %s", kind, error)
            return
        if served:
            log.warning(
                "labelled %ss are not accounted, and open accounts of theirs wait: the API has the group of %s in "
                "other versions only",
                kind,
                WORKLOAD_KINDS[kind].api_version,
            )
            self._missed.discard(kind)
            return
        if kind in self._missed:  # twice, a resync apart: an API server that starts lacks groups for a while
            self._absent.add(kind)
        self._missed.add(kind)

    async def _owners(self, workload: SeenWorkload, now: datetime) -> list[SeenWorkload | Owner]:
        """Those above it, nearest first, as far up as kinds are known here."""
        owners: list[SeenWorkload | Owner] = []
        owner = workload.owner
        while owner is not None and len(owners) < DEEPEST:
            seen = self._found.get(owner.uid)
            same = seen is not None and seen[0].namespace == workload.namespace
            known = seen[0] if seen and same else await self._ask(owner, workload.namespace, now)
            owners.append(known or owner)
            owner = known.owner if known else None
        return owners

    async def _ask(self, owner: Owner, namespace: str, now: datetime) -> SeenWorkload | None:
        if not owner.accountable:
            return None
        key = namespace, owner.uid  # a uid of another namespace is only claimed
        if key not in self._above:
            try:
                there = await self._cluster.get(owner.kind, namespace, owner.name)
            except Forbidden:
                there = None
            same = there is not None and there["metadata"]["uid"] == owner.uid
            self._above[key] = (
                (seen_workload(owner.kind, there) if there and same else None),
                now + self._patience,
            )
        return self._above[key][0]


def identity(body: Body) -> Body:
    """What an event needs of the object that it is about: thousands of whole ones would be hundreds of megabytes."""
    metadata = {name: body["metadata"].get(name) for name in ("namespace", "name", "uid")}
    return {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata}
