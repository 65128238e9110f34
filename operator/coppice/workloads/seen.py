"""Children and pods as the operator sees them: small projections of watched objects.

The index keeps only these, never whole bodies: five thousand jobs stay in a few megabytes, and a decision is
made from values that cannot change under it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True)
class ContainerEnd:
    """A container of a pod: running when `finished_at` is None and `started_at` is set."""

    name: str
    init: bool = False
    started_at: datetime | None = None
    finished_at: datetime | None = None
    exit_code: int | None = None
    reason: str = ""
    message: str = ""
    restarts: int = 0
    waiting_reason: str = ""
    waiting_message: str = ""


@dataclass(frozen=True)
class SeenPod:
    """A pod that carries our labels."""

    namespace: str
    name: str
    uid: str
    job_uid: str
    attempt: int
    index: int = 0
    owner_uid: str = ""
    node: str = ""
    zone: str = ""  # of the carbon intensity, where its node says one
    phase: str = "Pending"
    created_at: datetime | None = None
    scheduled_at: datetime | None = None
    unschedulable: str = ""
    disrupted: bool = False
    taken_at: datetime | None = None  # when it was evicted, lost with its node, or deleted
    deleting: bool = False
    accelerators: int = 0
    cpu_request_cores: Decimal = Decimal(0)
    memory_request_bytes: int = 0
    containers: tuple[ContainerEnd, ...] = ()
    gone_at: datetime | None = None  # when it was seen to vanish; kept until its job is settled

    @property
    def ended_at(self) -> datetime | None:
        """When its last container ended, or the pod vanished; None while one runs or may still start."""
        if self.phase not in {"Succeeded", "Failed"}:
            return self.gone_at
        ends = [container.finished_at for container in self.containers if container.finished_at]
        if ends and not any(container.started_at and not container.finished_at for container in self.containers):
            return max(ends)
        # A lost node reports no ends: what took the pod away says when.
        return self.taken_at or self.gone_at or max(ends, default=self.scheduled_at or self.created_at)


@dataclass(frozen=True)
class SeenChild:
    """The batch object that runs an attempt."""

    namespace: str
    name: str
    uid: str
    owner_uid: str
    job_uid: str
    job_name: str
    attempt: int
    created_at: datetime
    kind: str = "Job"
    suspended: bool = False
    queue: str = ""
    active: int = 0
    ready: int = 0
    succeeded: int = 0
    failed: int = 0
    finished: str = ""  # "", "Complete" or "Failed"
    finished_reason: str = ""
    finished_message: str = ""
    finished_at: datetime | None = None
    deleting: bool = False
    decision: str = ""
    attempt_record: str = ""
    gone_at: datetime | None = None  # when it was seen to vanish; kept until its job is settled
