"""One frozen value that holds everything a pass knows about one job, and what a pass wants done.

`decide` takes an Observed and gives a Plan; nothing is fetched in between, so equal observations give equal plans
and every decision can be replayed in a test.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from coppice.accounting.budget import BudgetExhausted, Others
from coppice.accounting.grid import Grid
from coppice.accounting.metered import PodMeter
from coppice.accounting.settlement import Settlement
from coppice.api.basemodel import BaseModelObject
from coppice.api.reasons import EventReason
from coppice.api.trainingapproval import TrainingApproval
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import TrainingJobStatus
from coppice.api.trainingledger import LedgerEntry, Reservation
from coppice.api.trainingpolicy import Amounts
from coppice.api.trainingreport import TrainingReport
from coppice.planning.resolved import Resolved
from coppice.planning.world import World
from coppice.workloads.images import Images
from coppice.workloads.seen import SeenChild, SeenPod


@dataclass(frozen=True)
class Observed:
    """Everything known about one job at one moment.

    `register_obstacle` says why the model cannot be registered under the name that `spec.register` asks for, such as
    "made by TrainingJob research/topics"; None when nothing stands in the way. `approvals` are those that name the job.
    `exhausted` says that what the job wants to reserve did not fit its namespace's budget when this pass asked;
    `others` sums up, when asked, how that stands without this job, None where no budget holds; `held` says, when
    asked, what this job's ledger entry reserves, and is None where nobody looked. `namespace_seen` is False while it is
    not known yet which policies select the job's namespace, and so not what is in force. `grid` has the course of
    intensities, for pricing time that has passed; `meters` what meters of the cluster said of pods, by uid, and is None
    where there are none.
    """

    now: datetime
    job: TrainingJob
    children: tuple[SeenChild, ...]
    pods: tuple[SeenPod, ...]
    resolved: Resolved
    world: World
    images: Images
    grid: Grid | None = None
    meters: Mapping[str, PodMeter] | None = None
    register_obstacle: str | None = None
    approvals: tuple[TrainingApproval, ...] = ()
    exhausted: BudgetExhausted | None = None
    others: Callable[[], Others] | None = None
    held: Callable[[], Reservation | None] | None = None
    namespace_seen: bool = True

    @property
    def status(self) -> TrainingJobStatus:
        """The job's status as last seen; empty at first sight."""
        return self.job.status or TrainingJobStatus()


@dataclass(frozen=True)
class Event:
    """Something told once about a job; `warning` for what needs somebody to act."""

    reason: EventReason
    message: str
    action: str
    warning: bool = False


@dataclass(frozen=True)
class Plan:
    """What a pass wants done, in the order of the fields; an empty plan writes nothing.

    A ledger entry is opened before a child is created, within `budget` where there is one, and totals are settled and
    reported before status says so: a crash between any two writes leaves something that the next pass completes.
    """

    open_entry: LedgerEntry | None = None
    budget: Amounts | None = None
    release: Reservation | None = None
    create: tuple[dict[str, Any], ...] = ()
    suspend: tuple[tuple[SeenChild, bool], ...] = ()
    register: BaseModelObject | None = None
    settlement: Settlement | None = None
    report: TrainingReport | None = None
    status: TrainingJobStatus | None = None
    prune: bool = False
    withdraw: bool = False
    events: tuple[Event, ...] = ()
    recheck_seconds: float | None = None
    decided: tuple[str, dict[str, int]] | None = field(default=None, compare=False)

    @property
    def writes(self) -> bool:
        """Whether anything is to be written."""
        return bool(
            self.open_entry
            or self.release
            or self.create
            or self.suspend
            or self.register
            or self.settlement
            or self.report
            or self.status
            or self.prune
            or self.withdraw
        )
