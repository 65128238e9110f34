"""Children and pods by the uid of their job.

What vanishes is kept, marked with the time, until its job is settled: a pod that a node's loss took away has used
energy all the same, and the watch tells of it only once.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Generic, TypeVar

from coppice.index.key import Key
from coppice.workloads.seen import SeenChild, SeenPod

Seen = TypeVar("Seen", SeenChild, SeenPod)

KEPT_GONE = 64
"""Vanished projections kept per job: a pod that is evicted for ever must not fill the memory."""


class Running(Generic[Seen]):
    """Projections of one kind of object, by job uid, in the order they were first seen."""

    def __init__(self) -> None:
        self._by_job: dict[str, dict[str, Seen]] = {}
        self._place: dict[Key, Seen] = {}

    def put(self, key: Key, seen: Seen, now: datetime) -> bool:
        """Take over a projection; False if it says nothing new. Another life of the name makes the former vanish."""
        before = self._place.get(key)
        if before == seen:
            return False
        if before is not None and before.uid != seen.uid:
            self.drop(key, now)
        self._place[key] = seen
        self._by_job.setdefault(seen.job_uid, {})[seen.uid] = seen
        return True

    def drop(self, key: Key, now: datetime) -> Seen | None:
        """Mark the object as gone; returns what was last seen of it."""
        seen = self._place.pop(key, None)
        if seen is None:
            return None
        of_job = self._by_job[seen.job_uid]
        of_job[seen.uid] = replace(seen, gone_at=now)
        gone = [item.uid for item in of_job.values() if item.gone_at is not None]
        for uid in gone[:-KEPT_GONE]:
            del of_job[uid]
        return seen

    def of(self, job_uid: str) -> tuple[Seen, ...]:
        """Everything of a job, vanished ones included."""
        return tuple(self._by_job.get(job_uid, {}).values())

    def forget_gone(self, job_uid: str) -> None:
        """Drop the vanished ones of a job that is settled."""
        kept = {uid: seen for uid, seen in self._by_job.get(job_uid, {}).items() if seen.gone_at is None}
        if kept:
            self._by_job[job_uid] = kept
        else:
            self._by_job.pop(job_uid, None)

    def __iter__(self) -> Iterator[Seen]:
        """Everything, vanished ones included."""
        return iter([seen for of_job in self._by_job.values() for seen in of_job.values()])
