"""Workloads whose account is open, with everything that was seen of their pods.

What vanishes is kept, marked with the time: whoever deletes a pod, or a whole workload, does not delete what it used.
All of this can be lost with the process; what must survive stands in the ledger's entry.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from coppice.workloads.accounted import SeenWorkload, WorkloadPod, frozen, gone

NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class WorkloadLife:
    """One workload. `read_over` says that its pods were read after it was over, `noted_at` when the ledger was told.

    `below` are uids of objects that stand between the workload and its pods, as far as they are known; those of JobSets
    are in `jobsets` too.
    `priced` is what the account was last computed from, at `priced_at`.
    """

    workload: SeenWorkload
    body: Mapping[str, Any]
    pods: dict[str, WorkloadPod] = field(default_factory=dict)
    read_over: bool = False
    noted_at: datetime | None = None
    below: set[str] = field(default_factory=set)
    jobsets: set[str] = field(default_factory=set)
    priced: tuple[SeenWorkload, Mapping[str, WorkloadPod]] | None = None
    priced_at: datetime = NEVER

    def seen(self, workload: SeenWorkload, body: Mapping[str, Any]) -> None:
        """It is there, labelled."""
        self.workload, self.body = workload, body
        self.read_over = self.read_over and workload.over_at is not None

    def gone(self, now: datetime) -> None:
        """It was deleted; its pods end when they end."""
        self.workload = replace(self.workload, gone_at=now)
        self.read_over = False

    def left(self, workload: SeenWorkload, now: datetime) -> None:
        """Its label was removed: what it uses from now on is not counted."""
        self.workload = replace(workload, left_at=now)
        self.pods = {uid: frozen(pod, now) for uid, pod in self.pods.items()}

    def listed(self, pods: Iterable[WorkloadPod], now: datetime) -> None:
        """A complete list of its pods: what it lacks has vanished."""
        found = {pod.seen.uid: pod for pod in pods}
        vanished = {uid: gone(pod, now) for uid, pod in self.pods.items() if uid not in found}
        self.pods = {**vanished, **found}
        self.read_over = self.workload.over_at is not None

    def inherit(self, pods: Mapping[str, WorkloadPod]) -> None:
        """What one below it has seen of its pods; those that are there will be listed."""
        if self.workload.left_at is None:
            self.pods = {**{uid: pod for uid, pod in pods.items() if pod.reserved}, **self.pods}

    @property
    def wants_pods(self) -> bool:
        """Whether its pods may say more than is known."""
        if self.workload.left_at is not None:
            return not self.read_over
        return not self.read_over or any(pod.live for pod in self.pods.values())

    @property
    def pressing(self) -> bool:
        """Whether its account can say more than that some more time has passed."""
        return self.workload.over_at is not None or self.priced != (self.workload, self.pods)

    @property
    def barren(self) -> bool:
        """Whether it is over without any pod that was ever seen to hold a node."""
        return self.read_over and not any(pod.reserved for pod in self.pods.values())
