"""What the loop needs from the outside world, as small protocols; adapters keep these promises, tests fake them.

ClusterError
├── Unavailable      try again later, with back-off (5xx, 429, resets, time-outs)
├── Conflict         somebody wrote first: observe again, at once
├── AlreadyExists    an object of that name is there; carries it
├── NotFound         the object is gone, or another life has its name
├── Refused          the API server will never take it (422, 400): tell the user
└── Forbidden        RBAC lacks a right: tell the administrator, go on with other jobs
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from coppice.accounting.grid import Grid
from coppice.accounting.metered import PodMeter
from coppice.accounting.settlement import Settlement
from coppice.accounting.zone import Whereabouts
from coppice.api.computeprofile import ComputeProfile
from coppice.api.trainingledger import LedgerEntry, Reservation, TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts
from coppice.lifecycle.observed import Event

Manifest = Mapping[str, Any]


class ClusterError(Exception):
    """The API server did not do what was asked; the class says whether trying again helps."""


class Unavailable(ClusterError):
    """Trying again later helps; `retry_after_seconds` is the server's wish, if it had one."""

    def __init__(self, message: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Conflict(ClusterError):
    """Somebody wrote first; observe again."""


class AlreadyExists(ClusterError):
    """An object of that name exists; `existing` is its body."""

    def __init__(self, message: str, existing: Manifest) -> None:
        super().__init__(message)
        self.existing = existing


class NotFound(ClusterError):
    """The object is gone, or its name has another uid now."""


class Refused(ClusterError):
    """The API server will never take this; its message is for the user."""


class Forbidden(ClusterError):
    """Our role lacks a right; its message is for the administrator."""


class Cluster(Protocol):
    """The API server. `kind` is a Kubernetes kind such as TrainingJob, Job or Pod."""

    async def list(
        self, kind: str, namespace: str | None = None, selector: str | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        """Every object of a kind (children and pods: only ours, or those selected), with the list's resourceVersion."""
        ...

    async def get(self, kind: str, namespace: str | None, name: str) -> dict[str, Any] | None:
        """One object, or None."""
        ...

    async def has_group(self, kind: str) -> bool:
        """Whether the kind's API group is served, in whatever version."""
        ...

    async def create(self, manifest: Manifest) -> dict[str, Any]:
        """Create, never update. Raises AlreadyExists with the existing body."""
        ...

    async def replace(self, manifest: Manifest) -> dict[str, Any]:
        """Compare-and-swap on metadata.resourceVersion. Raises Conflict or NotFound."""
        ...

    async def patch_status(self, before: Manifest, status: Manifest) -> dict[str, Any]:
        """Make `before`'s status equal `status`, guarded by its uid and resourceVersion; returns the new body."""
        ...

    async def suspend(self, kind: str, namespace: str, name: str, uid: str, suspended: bool) -> dict[str, Any]:
        """Set spec.suspend of a child, guarded by its uid; returns the new body."""
        ...

    async def delete(self, kind: str, namespace: str | None, name: str, uid: str) -> None:
        """Delete in the background; an object that is gone or another life is success."""
        ...

    async def emit(self, regarding: Manifest, event: Event) -> None:
        """Tell an event; failing to is logged and no error."""
        ...


class Ledger(Protocol):
    """The durable totals of tenant namespaces. Each call returns when its effect is stored."""

    async def open(self, namespace: str, entry: LedgerEntry, budget: Amounts | None = None) -> None:
        """Note a job before its first child exists; an entry that is there already is success.

        Raises BudgetExhausted, and notes nothing, where what the entry reserves does not fit the month's budget.
        """
        ...

    async def expect(self, namespace: str, entry: LedgerEntry) -> None:
        """Note what an open workload has used so far; without an open entry nothing is noted."""
        ...

    async def settle(self, namespace: str, settlement: Settlement) -> None:
        """Add a finished job's totals, once per job uid."""
        ...

    def entries(self) -> Mapping[str, Sequence[LedgerEntry]]:
        """Entries by tenant namespace, as last stored."""
        ...

    def pages(self, namespace: str) -> Sequence[TrainingLedgerSpec]:
        """The ledger objects of one tenant namespace, as last stored."""
        ...

    async def release(self, namespace: str, uid: str, needed: Reservation) -> None:
        """Bring what an open job reserves down to what it needs for now; without a reservation nothing happens."""
        ...

    async def prune(self, namespace: str, uid: str) -> None:
        """Drop a settled entry whose job says so itself, or is gone."""
        ...

    async def withdraw(self, namespace: str, uid: str) -> None:
        """Drop the entry of a job of which nothing ever ran, uncounted."""
        ...


class IntensityProvider(Protocol):
    """Carbon intensity of zones; never waits for the network."""

    @property
    def grid(self) -> Grid:
        """What is known now, each value labelled with its source; a fall-back is labelled as one."""
        ...


class Meters(Protocol):
    """Meters of the cluster; never waits for the network."""

    @property
    def readings(self) -> Mapping[str, PodMeter] | None:
        """What they said by pod uid; None where the installation has no such meters."""
        ...


class Nodes(Protocol):
    """Where nodes are; what was not looked up yet is not known."""

    def zone(self, name: str) -> str:
        """The zone of the carbon intensity that a node says; empty where it says none."""
        ...

    def whereabouts(self, profiles: tuple[ComputeProfile, ...]) -> Mapping[str, Whereabouts]:
        """Where each profile's nodes are, by the profile's name."""
        ...

    def labels(self, name: str) -> Mapping[str, str] | None:
        """A node's labels; None where it was never seen."""
        ...

    async def know(self, names: Iterable[str]) -> None:
        """Look up nodes that were not seen yet."""
        ...


class Clock(Protocol):
    """The time, so that tests can set it."""

    def now(self) -> datetime:
        """Now, UTC, aware."""
        ...
