"""The life of a workload that is accounted and not decided, as one pure function from what was seen to what is to do.

    seen ──> a pod holds a node: entry opened ──> ... what it used so far, every few minutes ──> over
                                                                                                  │ pods ended, meters
    nothing more <── entry settled <── ledger settled from the report <── report written <────────┘ complete, or 15 min

Nothing is written to the workload, so the ledger remembers: a settled entry stays until the object itself is gone.
The report comes before the settlement, and the settlement is read from it: a crash between the two leaves a report
that says what to settle, and a report that somebody deletes later is not written, nor counted, again.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from coppice.accounting.account import Account, combined
from coppice.accounting.settlement import JOULES_PER_WATT_HOUR
from coppice.accounting.workload import Ending, Subject, accounts_of, workload_report, workload_totals
from coppice.api.base import rounded
from coppice.api.reasons import EventReason, WorkloadReason
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingledger import LedgerEntry
from coppice.api.trainingreport import AccountedWorkload, TrainingReport
from coppice.lifecycle.finish import SETTLE_PERIOD
from coppice.lifecycle.gone_pods import gone_pods
from coppice.lifecycle.observed import Event
from coppice.lifecycle.workload_books import ObservedWorkload, WorkloadBooks, lost, workload_books
from coppice.workloads.accounted import WORKLOAD_KINDS, SeenWorkload
from coppice.workloads.names import workload_report_name

ENTRY_DIGITS = 4


@dataclass(frozen=True)
class WorkloadPlan:
    """What a pass wants done, in the order of the fields.

    `entry` opens the ledger's entry, or tells it what was used so far. With a `report` the account is closed: it is
    written, settled by what stands in it, and told by `event`. `ending` says how it ended.
    """

    books: WorkloadBooks
    totals: TotalsStatus | None = None
    entry: LedgerEntry | None = None
    report: TrainingReport | None = None
    ending: Ending | None = None

    @property
    def event(self) -> Event | None:
        """What is told once about the workload."""
        if self.report is None:
            return None
        found = self.report.spec.totals
        used = (
            f"{float(found.energy_joules) / 3600:.4g} Wh, "
            f"{float(found.operational_grams + found.embodied_grams):.4g} gCO2e"
            if found
            else "nothing could be priced"
        )
        note = f"The account is closed: {used}; see TrainingReport {self.report.metadata.name}"
        return Event(EventReason.ACCOUNTED, note, "Account", warning=found is None)


def account_workload(observed: ObservedWorkload) -> WorkloadPlan:
    """What this pass has to do for one workload whose entry is not settled."""
    workload = observed.workload
    books = workload_books(observed)
    if not any(pod.reserved for pod in observed.pods):
        return WorkloadPlan(books)
    accounts = accounts_of(books.uses)
    totals = workload_totals(books.uses, accounts)
    entry = _entry(observed, books, totals, combined(accounts))
    if workload.over_at is None or _waits(observed, books, workload.over_at):
        return WorkloadPlan(books, totals, entry)
    ending = ending_of(observed)
    used = totals.energy_joules / JOULES_PER_WATT_HOUR if totals else Decimal(0)
    report = workload_report(
        subject_of(workload, observed.below),
        ending,
        books.uses,
        (*books.gaps, *lost(observed, used)),
        name=workload_report_name(workload.name, workload.uid),
    )
    return WorkloadPlan(books, totals, entry, report, ending)


def ending_of(observed: ObservedWorkload) -> Ending:
    """How it ended, and when its last pod did."""
    workload = observed.workload
    ends = [pod.seen.ended_at for pod in observed.pods if pod.reserved and pod.seen.ended_at]
    at = (workload.ended_at or max(ends, default=workload.over_at or observed.now)).replace(microsecond=0)
    if workload.succeeded is not None:
        reason = WorkloadReason.SUCCEEDED if workload.succeeded else WorkloadReason.FAILED
        return Ending(reason, workload.message or reason.sentence, at, workload.succeeded)
    if workload.gone_at is not None:
        return Ending(WorkloadReason.DELETED, WorkloadReason.DELETED.sentence, at, succeeded=False)
    sentence = f"{WorkloadReason.LABEL_REMOVED.sentence} {workload.message}".strip()
    return Ending(WorkloadReason.LABEL_REMOVED, sentence, at, succeeded=None)


def ending_in(report: TrainingReport) -> Ending:
    """How a report that stands already says that its workload ended."""
    spec = report.spec
    unknown = spec.state == WorkloadReason.LABEL_REMOVED
    at = spec.completion_time or report.metadata.creation_timestamp
    assert at is not None
    return Ending(spec.state, spec.message, at, None if unknown else spec.succeeded)


def subject_of(workload: SeenWorkload, below: Collection[str] = ()) -> Subject:
    """Which workload a report is about."""
    about = AccountedWorkload(
        api_version=WORKLOAD_KINDS[workload.kind].api_version,
        kind=workload.kind,
        name=workload.name,
        below=sorted(below)[:16] or None,
    )
    return Subject(about, workload.namespace, workload.uid, workload.created_at)


def _waits(observed: ObservedWorkload, books: WorkloadBooks, over_at: datetime) -> bool:
    """Whether pods still hold nodes or meters have yet to say their last word, for at most the fifteen minutes."""
    if observed.now - over_at >= SETTLE_PERIOD:
        return False
    if any(pod.live for pod in observed.pods):
        return True
    meters = observed.meters
    return meters is not None and not all(uid in meters and meters[uid].complete for uid in books.profiles)


def _entry(
    observed: ObservedWorkload, books: WorkloadBooks, totals: TotalsStatus | None, account: Account
) -> LedgerEntry:
    workload = observed.workload
    starts = [pod.seen.scheduled_at for pod in observed.pods if pod.seen.scheduled_at]
    return LedgerEntry(
        uid=workload.uid,
        name=workload.name,
        kind=workload.kind,
        opened=min(starts),
        energy_watt_hours=_short(account.energy_joules / JOULES_PER_WATT_HOUR),
        operational_grams=_short(account.operational_grams),
        embodied_grams=_short(account.embodied_grams.mid),
        accelerators=sum(pod.seen.accelerators for pod in observed.pods if pod.live) if totals else 0,
        gone=gone_pods(observed.pods, books.profiles),
    )


def _short(amount: Decimal) -> Decimal:
    return rounded(float(amount), ENTRY_DIGITS)
