"""What one job adds to its namespace's ledger: read from its final status, or of a job that is gone from its entry.

Only the low bound of a counted basis enters avoided totals, and a missed objective's carbon is spent in vain; both
rules stand here, so that the ledger itself is nothing but sums.
"""

from dataclasses import dataclass
from decimal import Decimal

from coppice.accounting.calendar import month_of
from coppice.accounting.cost import MILLIONTH
from coppice.api.conditions import SUCCEEDED, find
from coppice.api.reasons import StateReason
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import EnergyPart, TotalsStatus, TrainingJobStatus
from coppice.api.trainingledger import LedgerEntry, MonthTotal
from coppice.api.vocabulary import Basis, Component, Evidence, Grade, Method

JOULES_PER_WATT_HOUR = Decimal(3600)

COUNTED_BASES = (Basis.MEASURED, Basis.DECLARED)
"""Bases whose avoided carbon enters totals; Assumed is illustrative."""


@dataclass(frozen=True)
class AvoidedLow:
    """The low bound of the carbon that a job avoided, in gCO2e (may be negative), and where it comes from."""

    basis: Basis
    grams: Decimal


@dataclass(frozen=True)
class Settlement:
    """What one finished job adds to its namespace's ledger.

    `met` is False where the job missed its objective or failed, None where it ended well and had no target. `method`
    is None for a workload that nobody decided about.
    `months` is what it used in each calendar month. Energies are joules, carbon is gCO2e, cost is money; none may be
    negative but `avoided`. Raises ValueError otherwise.
    """

    uid: str
    name: str
    method: Method | None
    reason: str
    energy: tuple[EnergyPart, ...] = ()
    operational_grams: Decimal = Decimal(0)
    embodied_grams: Decimal = Decimal(0)
    avoided: AvoidedLow | None = None
    met: bool | None = None
    cost: Decimal = Decimal(0)
    months: tuple[MonthTotal, ...] = ()

    def __post_init__(self) -> None:
        """Totals never fall, so nothing negative may be added to them."""
        amounts = (self.operational_grams, self.embodied_grams, self.cost, *(part.joules for part in self.energy))
        if any(not amount.is_finite() or amount < 0 for amount in amounts):
            raise ValueError(f"the settlement of job {self.name} ({self.uid}) holds an amount below 0 or not finite")

    @property
    def avoided_grams(self) -> Decimal:
        """Avoided carbon that enters totals: what is above 0, of a counted basis and of a met objective."""
        if self.avoided is None or self.avoided.basis not in COUNTED_BASES or self.met is False:
            return Decimal(0)
        return max(self.avoided.grams, Decimal(0))

    @property
    def spent_in_vain_grams(self) -> Decimal:
        """All carbon of a missed objective, else what substitution cost beyond the counterfactual."""
        if self.met is False:
            return self.operational_grams + self.embodied_grams
        if self.avoided is None or self.avoided.basis not in COUNTED_BASES:
            return Decimal(0)
        return max(-self.avoided.grams, Decimal(0))


def settlement(job: TrainingJob, months: tuple[MonthTotal, ...] = ()) -> Settlement:
    """What a finished job adds, read from its status: totals, result and the reason of Succeeded.

    What it used by month is not in its status, so it is given.

    Quality that the user's own container reported counts for its job alone, so its avoided carbon stays out.
    """
    status = job.status or TrainingJobStatus()
    succeeded = find(status.conditions, SUCCEEDED)
    totals = status.totals
    return Settlement(
        uid=job.metadata.uid,
        name=job.metadata.name,
        method=deciding_method(status),
        reason=succeeded.reason if succeeded else "Unknown",
        energy=tuple(totals.parts) if totals else (),
        operational_grams=totals.operational_grams if totals else Decimal(0),
        embodied_grams=totals.embodied_grams if totals else Decimal(0),
        avoided=_avoided_low(totals, status),
        met=_met(status, succeeded is not None and succeeded.status == "True"),
        cost=(totals.cost if totals else None) or Decimal(0),
        months=months,
    )


def vanished_settlement(entry: LedgerEntry) -> Settlement:
    """What a job adds that is gone without a trace, deleted while no operator ran: what was expected of its first rung.

    The split between components is not known any more, so the energy stands under the one that does the work.
    """
    component = Component.ACCELERATOR if entry.accelerators else Component.CPU
    joules = entry.energy_watt_hours * JOULES_PER_WATT_HOUR
    return Settlement(
        uid=entry.uid,
        name=entry.name,
        method=None if entry.kind else entry.method or Method.FROM_SCRATCH,
        reason=StateReason.DELETED,
        energy=(EnergyPart(component=component, grade=Grade.ESTIMATED, joules=joules),),
        operational_grams=entry.operational_grams,
        embodied_grams=entry.embodied_grams,
        met=False,
        cost=_expected_cost(entry),
        months=(_expected_month(entry),),
    )


def _expected_month(entry: LedgerEntry) -> MonthTotal:
    return MonthTotal(
        month=month_of(entry.opened),
        energy_watt_hours=entry.energy_watt_hours,
        carbon_grams=entry.operational_grams + entry.embodied_grams,
        cost=_expected_cost(entry),
    )


def _expected_cost(entry: LedgerEntry) -> Decimal:
    """Money of the first rung: of what was reserved for the whole ladder, its share of the energy."""
    held = entry.reserved
    if held is None or not held.energy_watt_hours:
        return Decimal(0)
    share = min(entry.energy_watt_hours / held.energy_watt_hours, Decimal(1))
    return (held.cost * share).quantize(MILLIONTH)


def deciding_method(status: TrainingJobStatus) -> Method:
    """Method of the attempt that decided the job: the best one, else the last, else the first rung."""
    best = status.result.attempt if status.result else 0
    for attempt in status.attempts:
        if attempt.number == best:
            return attempt.method
    if status.attempts:
        return status.attempts[-1].method
    return status.decision.method if status.decision else Method.FROM_SCRATCH


def _met(status: TrainingJobStatus, succeeded: bool) -> bool | None:
    if not succeeded:
        return False
    return status.result.met if status.result else None


def _avoided_low(totals: TotalsStatus | None, status: TrainingJobStatus) -> AvoidedLow | None:
    self_reported = status.result is not None and status.result.evidence is Evidence.SELF_REPORTED
    if totals is None or totals.avoided is None or self_reported:
        return None
    return AvoidedLow(totals.avoided.basis, totals.avoided.low)
