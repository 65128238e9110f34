"""Deletes what has outlived its time: finished jobs by their TTL, reports by the installation's retention.

A job goes only when it is accounted, so nothing that it used is lost; its report stays. Reports are kept for ever
unless the installation says otherwise, because estimates and chances learn from them.
"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from coppice.handlers.listing import Sleep
from coppice.index import Index, Key
from coppice.index.jobs import SeenJob
from coppice.ports import Clock, Cluster, ClusterError

SWEEP_SECONDS = 10.0
MOST_AT_ONCE = 200
"""Deletions of one sweep: a thousand jobs that expire together must not crowd out the others' passes."""

log = logging.getLogger(__name__)


def expired_jobs(index: Index, now: datetime) -> Iterator[tuple[Key, str]]:
    """Key and uid of every job whose time to live is over."""
    for key, job in index.jobs():
        seconds = ttl_seconds(job)
        if seconds is not None and job.settled and _completed(job) + timedelta(seconds=seconds) <= now:
            yield key, job.uid


def ttl_seconds(job: SeenJob) -> int | None:
    """The spec's time to live, which its user may change at any time, else what policy supplied."""
    spec = job.body["spec"].get("ttlSecondsAfterFinished")
    resolved = (job.body.get("status") or {}).get("resolved") or {}
    found = spec if spec is not None else resolved.get("ttlSecondsAfterFinished")
    return None if found is None else int(found)


def expired_reports(index: Index, now: datetime, retention: timedelta | None) -> Iterator[tuple[Key, str]]:
    """Key and uid of every report older than the retention; none if there is no retention."""
    if retention is None:
        return
    for report in index.reports():
        metadata = report.metadata
        completed = report.spec.completion_time or metadata.creation_timestamp
        if completed is not None and completed + retention <= now:
            yield Key("TrainingReport", metadata.namespace or "", metadata.name), metadata.uid


def _completed(job: SeenJob) -> datetime:
    return datetime.fromisoformat(job.body["status"]["completionTime"])


class Sweeper:
    """Looks over the index every few seconds; `retention` of reports is None for ever."""

    def __init__(self, cluster: Cluster, index: Index, clock: Clock, retention: timedelta | None = None) -> None:
        self._cluster = cluster
        self._index = index
        self._clock = clock
        self._retention = retention

    async def sweep(self) -> int:
        """Delete what is due now, at most MOST_AT_ONCE; returns how many."""
        now = self._clock.now()
        due = [*expired_jobs(self._index, now), *expired_reports(self._index, now, self._retention)][:MOST_AT_ONCE]
        for key, uid in due:
            await self._cluster.delete(key.kind, key.namespace, key.name, uid)
        return len(due)

    async def run(self, sleep: Sleep = asyncio.sleep) -> None:
        """Sweep for ever."""
        while True:
            await sleep(SWEEP_SECONDS)
            try:
                await self.sweep()
            except ClusterError as error:
                log.warning("the sweep is put off: %s", error)
