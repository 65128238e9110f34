"""The ledger: totals of one namespace that only ever rise, each job adding to them exactly once.

An entry is opened before a job's first child exists, settled when the job ends, and pruned once the job's own
status says so. Every operation may be repeated, and one that has already happened changes nothing:

    opened ──> settled (totals rise, once) ──> pruned
               ^ a uid without an entry settles nothing: it was pruned, so it has been counted

The price of forgetting pruned uids is that the caller must not open an entry for a job that is already accounted;
remembering them all would make the object grow for ever.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from coppice.api.base import Model
from coppice.api.conditions import SUCCEEDED, find
from coppice.api.reasons import StateReason
from coppice.api.trainingjob import TrainingJob
from coppice.api.trainingjob_status import EnergyPart, TotalsStatus, TrainingJobStatus
from coppice.api.trainingledger import (
    AvoidedTotal,
    EnergyTotal,
    FinishedTotal,
    LedgerEntry,
    LedgerTotals,
    TrainingLedgerSpec,
)
from coppice.api.vocabulary import Basis, Component, Evidence, Grade, Method

JOULES_PER_WATT_HOUR = Decimal(3600)
MAX_ENTRIES = 1000
"""Entries of one ledger object: at 200 bytes each it stays well below the API server's 1.5 MiB."""

Row = TypeVar("Row", bound=Model)

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

    `met` is False where the job missed its objective or failed, None where it ended well and had no target.
    Energies are joules, carbon is gCO2e; none may be negative but `avoided`. Raises ValueError otherwise.
    """

    uid: str
    name: str
    method: Method
    reason: str
    energy: tuple[EnergyPart, ...] = ()
    operational_grams: Decimal = Decimal(0)
    embodied_grams: Decimal = Decimal(0)
    avoided: AvoidedLow | None = None
    met: bool | None = None

    def __post_init__(self) -> None:
        """Totals never fall, so nothing negative may be added to them."""
        amounts = (self.operational_grams, self.embodied_grams, *(part.joules for part in self.energy))
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


def settlement(job: TrainingJob) -> Settlement:
    """What a finished job adds, read from its status: totals, result and the reason of Succeeded.

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
        method=entry.method or Method.FROM_SCRATCH,
        reason=StateReason.DELETED,
        energy=(EnergyPart(component=component, grade=Grade.ESTIMATED, joules=joules),),
        operational_grams=entry.operational_grams,
        embodied_grams=entry.embodied_grams,
        met=False,
    )


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


def opened(spec: TrainingLedgerSpec, entry: LedgerEntry) -> TrainingLedgerSpec:
    """The ledger with an entry for a job about to start; one that is there already stays as it is."""
    if entry_of(spec, entry.uid) is not None:
        return spec
    return spec.model_copy(update={"entries": [*spec.entries, entry]})


def settled(spec: TrainingLedgerSpec, settlement: Settlement) -> TrainingLedgerSpec:
    """The ledger with a job's totals in, if its entry is still open; otherwise the same ledger."""
    entry = entry_of(spec, settlement.uid)
    if entry is None or entry.settled:
        return spec
    entries = [_marked(item) if item.uid == settlement.uid else item for item in spec.entries]
    return spec.model_copy(update={"entries": entries, "totals": _with(spec.totals, settlement)})


def pruned(spec: TrainingLedgerSpec, uid: str) -> TrainingLedgerSpec:
    """The ledger without a settled entry; an open one stays, because its energy is not counted yet."""
    entry = entry_of(spec, uid)
    if entry is None or not entry.settled:
        return spec
    return spec.model_copy(update={"entries": [item for item in spec.entries if item.uid != uid]})


def withdrawn(spec: TrainingLedgerSpec, uid: str) -> TrainingLedgerSpec:
    """The ledger without the entry of a job of which nothing ever ran; totals stay as they are."""
    if entry_of(spec, uid) is None:
        return spec
    return spec.model_copy(update={"entries": [item for item in spec.entries if item.uid != uid]})


def entry_of(spec: TrainingLedgerSpec, uid: str) -> LedgerEntry | None:
    """The entry of a job, open or settled."""
    return next((entry for entry in spec.entries if entry.uid == uid), None)


def object_for(specs: Sequence[TrainingLedgerSpec], uid: str) -> int:
    """Which of a namespace's ledger objects a job belongs to, counted from 0.

    The one that holds its entry, else the first with room, else `len(specs)`: a further object is to be made.
    """
    for number, spec in enumerate(specs):
        if entry_of(spec, uid) is not None:
            return number
    return next((number for number, spec in enumerate(specs) if len(spec.entries) < MAX_ENTRIES), len(specs))


def summed(totals: Iterable[LedgerTotals]) -> LedgerTotals:
    """The totals of a namespace over all its ledger objects."""
    result = LedgerTotals()
    for item in totals:
        result = LedgerTotals(
            energy=_added(result.energy, item.energy, "joules"),
            operational_grams=result.operational_grams + item.operational_grams,
            embodied_grams=result.embodied_grams + item.embodied_grams,
            avoided=_added(result.avoided, item.avoided, "grams"),
            spent_in_vain_grams=result.spent_in_vain_grams + item.spent_in_vain_grams,
            finished=_added(result.finished, item.finished, "jobs"),
        )
    return result


def _marked(entry: LedgerEntry) -> LedgerEntry:
    return entry.model_copy(update={"settled": True})


def _with(totals: LedgerTotals, item: Settlement) -> LedgerTotals:
    energy = [EnergyTotal(component=part.component, grade=part.grade, joules=part.joules) for part in item.energy]
    avoided = item.avoided_grams
    added = LedgerTotals(
        energy=_added([], energy, "joules"),
        operational_grams=item.operational_grams,
        embodied_grams=item.embodied_grams,
        avoided=[AvoidedTotal(basis=item.avoided.basis, grams=avoided)] if item.avoided and avoided else [],
        spent_in_vain_grams=item.spent_in_vain_grams,
        finished=[FinishedTotal(method=item.method, reason=item.reason, jobs=1)],
    )
    return summed((totals, added))


def _added(rows: Sequence[Row], more: Sequence[Row], amount: str) -> list[Row]:
    """Rows with equal labels added up in one field; the rest is the label, and the order is by label."""
    sums: dict[tuple[str, ...], Row] = {}
    for row in (*rows, *more):
        label = tuple(str(value) for name, value in row if name != amount)
        before = sums.get(label)
        sums[label] = row.model_copy(update={amount: getattr(before, amount) + getattr(row, amount)}) if before else row
    return [sums[label] for label in sorted(sums)]
