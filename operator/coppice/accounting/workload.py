"""The report of a workload that nobody decided about, and what it adds to the ledger.

It holds no decision, so nothing was avoided and nothing was substituted. No functional unit is known of it either
(neither FLOPs nor tokens nor whether a model came out), so it has no score: absent, not 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from coppice.accounting.account import Account, account_of, combined
from coppice.accounting.cost import MILLIONTH, added, attempt_cost
from coppice.accounting.months import months_of, months_of_slots
from coppice.accounting.record import decode_account_record, fitted
from coppice.accounting.report import energy_slot, gaps_of
from coppice.accounting.settlement import Settlement
from coppice.accounting.totals import totals
from coppice.accounting.use import AttemptUse, PodUse
from coppice.api.labels import JOB_UID_LABEL, MANAGED_BY, MANAGED_BY_LABEL
from coppice.api.meta import ObjectMeta
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingledger import MonthTotal
from coppice.api.trainingreport import AccountedWorkload, TrainingReport, TrainingReportSpec


@dataclass(frozen=True)
class Ending:
    """How a workload ended: a reason, its sentence, when, and whether it did what it was to do (None: nobody knows)."""

    reason: str
    message: str
    at: datetime
    succeeded: bool | None


@dataclass(frozen=True)
class Subject:
    """Which workload a report is about."""

    workload: AccountedWorkload
    namespace: str
    uid: str
    created_at: datetime


def accounts_of(uses: Sequence[AttemptUse]) -> tuple[Account, ...]:
    """The account of each use: what takes the time, so it is done once a pass."""
    return tuple(account_of((use,)) for use in uses)


def workload_totals(uses: Sequence[AttemptUse], accounts: Sequence[Account]) -> TotalsStatus | None:
    """The account in figures; None where nothing could be priced, because 0 would be a claim."""
    if not uses:
        return None
    seconds = run_seconds(pod for use in uses for pod in use.pods)
    return totals(combined(accounts), run_seconds=seconds, cost=_cost(uses, accounts))


def run_seconds(pods: Iterable[PodUse]) -> int:
    """Seconds in which at least one pod held a node."""
    seconds, until = 0.0, datetime.min.replace(tzinfo=UTC)
    for pod in sorted(pods, key=lambda one: one.start):
        begin = max(pod.start, until)
        if pod.end > begin:
            seconds += (pod.end - begin).total_seconds()
            until = pod.end
    return round(seconds)


def workload_report(
    subject: Subject, ending: Ending, uses: Sequence[AttemptUse], gaps: tuple[str, ...], *, name: str
) -> TrainingReport:
    """The account, with everything needed to compute it again; `gaps` are those that no use can tell."""
    account = combined((account_of(uses),), gaps)
    encoded = fitted(tuple(uses))
    labels = {MANAGED_BY_LABEL: MANAGED_BY, JOB_UID_LABEL: subject.uid}
    return TrainingReport(
        metadata=ObjectMeta(name=name, namespace=subject.namespace, labels=labels),
        spec=TrainingReportSpec(
            workload=subject.workload,
            job=subject.workload.name,
            job_uid=subject.uid,
            state=ending.reason,
            succeeded=ending.succeeded is True,
            message=ending.message[:1024],
            created_time=subject.created_at,
            completion_time=ending.at,
            account_record=encoded,
            totals=workload_totals(uses, accounts_of(uses)),
            slots=[energy_slot(slot) for slot in account.slots],
            gaps=gaps_of(account, encoded),
        ),
    )


def workload_settlement(report: TrainingReport, ending: Ending) -> Settlement:
    """What the ledger adds: read from the report that stands, so that the two always agree."""
    spec, found = report.spec, report.spec.totals
    return Settlement(
        uid=spec.job_uid,
        name=spec.job,
        method=None,
        reason=spec.state,
        energy=tuple(found.parts) if found else (),
        operational_grams=found.operational_grams if found else Decimal(0),
        embodied_grams=found.embodied_grams if found else Decimal(0),
        met=False if ending.succeeded is False else None,
        cost=(found.cost if found else None) or Decimal(0),
        months=_months(report, ending.at),
    )


def _months(report: TrainingReport, at: datetime) -> tuple[MonthTotal, ...]:
    spec = report.spec
    if not spec.account_record:  # more pods than a record holds
        return months_of_slots(spec.slots, at, spec.totals) if spec.totals else ()
    uses = decode_account_record(spec.account_record).uses()
    return months_of([(use, account_of((use,))) for use in uses])


def _cost(uses: Sequence[AttemptUse], accounts: Sequence[Account]) -> Decimal | None:
    known = added(*(attempt_cost(use, account) for use, account in zip(uses, accounts, strict=True)))
    return None if known is None else known.quantize(MILLIONTH)
