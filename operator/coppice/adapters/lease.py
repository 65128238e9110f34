"""Leader election on a coordination.k8s.io Lease: one process works, the others wait.

The official client has one too (`kubernetes.aio.leaderelection`). It is not used, because it compares wall clocks,
bounds no renewal by the deadline (a request that hangs lets a deposed leader go on), and releases nothing on exit.

    follower ── the record has not changed for its whole duration, by our own clock ──> leader
    leader ── no renewal stored for RENEW_SECONDS ──> lost: the process must end at once

RENEW_SECONDS is shorter than the duration, so a leader that cannot renew ends before anybody else may begin. What it
had under way is refused or harmless all the same, because every write names the version it was decided from.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coppice.adapters.clock import micro_time
from coppice.ports import AlreadyExists, Clock, Cluster, ClusterError, Conflict, NotFound

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Timing:
    """Seconds; the defaults are those of Kubernetes' own controllers."""

    duration_seconds: int = 15
    renew_seconds: float = 10.0
    retry_seconds: float = 2.0


class LeaseLost(Exception):
    """Another process may lead now: end this one at once."""


class Lease:
    """A candidate for one Lease; `identity` must differ between any two processes, also of one pod."""

    def __init__(
        self,
        cluster: Cluster,
        clock: Clock,
        *,
        namespace: str,
        name: str,
        identity: str,
        timing: Timing | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._timing = timing or Timing()
        self._monotonic = monotonic or asyncio.get_running_loop().time
        self._seen: dict[str, Any] | None = None
        self._seen_at = 0.0
        self.leading = False

    async def acquire(self) -> None:
        """Return when this process leads."""
        while not await self._attempt():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(self._timing.retry_seconds)
        log.info("this process leads now: %s", self._identity)

    async def keep(self) -> None:
        """Renew for as long as this process leads; raises LeaseLost."""
        renewed = self._monotonic()
        while True:
            await asyncio.sleep(self._timing.retry_seconds)
            left = renewed + self._timing.renew_seconds - self._monotonic()
            began = self._monotonic()
            try:
                async with asyncio.timeout(max(left, 0.0)):
                    stored = await self._attempt()
            except TimeoutError:
                stored = False
            if stored:
                renewed = began
            elif self._foreign or self._monotonic() >= renewed + self._timing.renew_seconds:
                self.leading = False
                raise LeaseLost(f"the Lease {self._namespace}/{self._name} could not be renewed in time")

    async def release(self) -> None:
        """Let another process lead at once; failing to only makes it wait for the duration."""
        if not self.leading or self._seen is None:
            return
        self.leading = False
        spec = {**self._seen["spec"], "holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": self._time()}
        try:
            async with asyncio.timeout(self._timing.retry_seconds):
                await self._cluster.replace({**self._seen, "spec": spec})
        except (ClusterError, TimeoutError) as error:
            log.warning("the Lease was not released: %s", error)

    @property
    def holder(self) -> str:
        """Who leads, as far as this process has seen; empty if nobody."""
        return str(self._seen["spec"].get("holderIdentity") or "") if self._seen else ""

    @property
    def _foreign(self) -> bool:
        return self.holder not in {"", self._identity}

    async def _attempt(self) -> bool:
        """One try to acquire or renew; True if the Lease is stored as ours."""
        try:
            if not self.leading:
                await self._look()
            if self._foreign and not self._expired():
                return False
            await self._store()
        except (Conflict, AlreadyExists, NotFound):
            await self._look_again()
            return False
        except ClusterError as error:
            log.warning("the Lease could not be read or renewed: %s", error)
            return False
        self.leading = True
        return True

    async def _look_again(self) -> None:
        try:
            await self._look()
        except ClusterError as error:
            log.warning("the Lease could not be read: %s", error)

    async def _look(self) -> None:
        found = await self._cluster.get("Lease", self._namespace, self._name)
        if found is None or self._seen is None or _version(found) != _version(self._seen):
            self._seen_at = self._monotonic()
        self._seen = found

    def _expired(self) -> bool:
        """Whether the holder has not renewed for its whole duration, by our clock and our own observation."""
        spec = self._seen["spec"] if self._seen else {}
        duration = spec.get("leaseDurationSeconds") or self._timing.duration_seconds
        return self._monotonic() >= self._seen_at + float(duration)

    async def _store(self) -> None:
        before = self._seen
        old = before["spec"] if before else {}
        ours = old.get("holderIdentity") == self._identity
        spec = {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": self._timing.duration_seconds,
            "acquireTime": old["acquireTime"] if ours else self._time(),
            "renewTime": self._time(),
            "leaseTransitions": (old.get("leaseTransitions") or 0) + (0 if ours or not before else 1),
        }
        if before is None:
            metadata = {"name": self._name, "namespace": self._namespace}
            manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}
            self._seen = await self._cluster.create(manifest)
        else:
            self._seen = await self._cluster.replace({**before, "spec": spec})
        self._seen_at = self._monotonic()

    def _time(self) -> str:
        return micro_time(self._clock.now())


def _version(lease: dict[str, Any]) -> str:
    return str(lease["metadata"].get("resourceVersion", ""))
