"""The ledger: totals of one namespace that only ever rise, each job adding to them exactly once.

An entry is opened before a job's first child exists, settled when the job ends, and pruned once the job's own
status says so. Every operation may be repeated, and one that has already happened changes nothing:

    opened ──> settled (totals and months rise, once) ──> pruned
               ^ a uid without an entry settles nothing: it was pruned, so it has been counted

An entry holds its job's reservation of the budget, and a settlement adds what was used to the months of the object
that the entry stands in: the entry is closed, its reservation released and the use counted in one write. A namespace's
position is the sum over its objects; up to 1,000 open jobs all of it stands in the first.

The price of forgetting pruned uids is that the caller must not open an entry for a job that is already accounted;
remembering them all would make the object grow for ever.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from coppice.accounting.budget import covers, lessened, sum_of
from coppice.accounting.settlement import Settlement
from coppice.api.base import Model
from coppice.api.trainingledger import (
    AvoidedTotal,
    EnergyTotal,
    FinishedTotal,
    LedgerEntry,
    LedgerTotals,
    MonthTotal,
    Reservation,
    TrainingLedgerSpec,
)

MAX_ENTRIES = 1000
"""Entries of one ledger object: at 200 bytes each, 350 with a reservation, it stays well below 1.5 MiB."""

MAX_MONTHS = 24

Row = TypeVar("Row", bound=Model)


def opened(spec: TrainingLedgerSpec, entry: LedgerEntry) -> TrainingLedgerSpec:
    """The ledger with an entry for a job about to start; one that is there already only ever reserves more."""
    before = entry_of(spec, entry.uid)
    if before is None:
        return spec.model_copy(update={"entries": [*spec.entries, entry]})
    if before.settled or entry.reserved is None or covers(before.reserved, entry.reserved):
        return spec
    more = before.model_copy(update={"reserved": entry.reserved})
    return spec.model_copy(update={"entries": [more if item.uid == entry.uid else item for item in spec.entries]})


def released(spec: TrainingLedgerSpec, uid: str, needed: Reservation) -> TrainingLedgerSpec:
    """The ledger with an open job's reservation brought down to what it needs for now; the entry stays open."""
    before = entry_of(spec, uid)
    if before is None or before.settled or before.reserved is None or covers(needed, before.reserved):
        return spec
    less = before.model_copy(update={"reserved": lessened(before.reserved, needed)})
    return spec.model_copy(update={"entries": [less if item.uid == uid else item for item in spec.entries]})


def expected(spec: TrainingLedgerSpec, entry: LedgerEntry) -> TrainingLedgerSpec:
    """The ledger with what an open workload is known to have used so far, which only ever rises."""
    before = entry_of(spec, entry.uid)
    if before is None or before.settled:
        return spec
    names = ("energy_watt_hours", "operational_grams", "embodied_grams", "accelerators")
    risen = {name: max(getattr(before, name), getattr(entry, name)) for name in names}
    more = before.model_copy(update={**risen, "gone": entry.gone or before.gone})
    if more == before:
        return spec
    return spec.model_copy(update={"entries": [more if item.uid == entry.uid else item for item in spec.entries]})


def settled(spec: TrainingLedgerSpec, settlement: Settlement) -> TrainingLedgerSpec:
    """The ledger with a job's totals in, if its entry is still open; otherwise the same ledger."""
    entry = entry_of(spec, settlement.uid)
    if entry is None or entry.settled:
        return spec
    entries = [_marked(item) if item.uid == settlement.uid else item for item in spec.entries]
    months = _months(spec.months, settlement.months)
    return spec.model_copy(update={"entries": entries, "totals": _with(spec.totals, settlement), "months": months})


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
            cost=result.cost + item.cost,
            spent_in_vain_grams=result.spent_in_vain_grams + item.spent_in_vain_grams,
            finished=_added(result.finished, item.finished, "jobs"),
        )
    return result


def _marked(entry: LedgerEntry) -> LedgerEntry:
    return entry.model_copy(update={"settled": True, "gone": None})


def _with(totals: LedgerTotals, item: Settlement) -> LedgerTotals:
    energy = [EnergyTotal(component=part.component, grade=part.grade, joules=part.joules) for part in item.energy]
    avoided = item.avoided_grams
    added = LedgerTotals(
        energy=_added([], energy, "joules"),
        operational_grams=item.operational_grams,
        embodied_grams=item.embodied_grams,
        avoided=[AvoidedTotal(basis=item.avoided.basis, grams=avoided)] if item.avoided and avoided else [],
        cost=item.cost,
        spent_in_vain_grams=item.spent_in_vain_grams,
        finished=[FinishedTotal(method=item.method, reason=item.reason, jobs=1)],
    )
    return summed((totals, added))


def _months(before: Sequence[MonthTotal], more: Sequence[MonthTotal]) -> list[MonthTotal]:
    """Months with what a job used in each, oldest first, the last 24: budgets ask for the current one alone."""
    sums = {total.month: total for total in before}
    for total in more:
        after = sum_of(sums.get(total.month)) + sum_of(total)
        sums[total.month] = MonthTotal(month=total.month, **vars(after))
    return [sums[month] for month in sorted(sums)][-MAX_MONTHS:]


def _added(rows: Sequence[Row], more: Sequence[Row], amount: str) -> list[Row]:
    """Rows with equal labels added up in one field; the rest is the label, and the order is by label."""
    sums: dict[tuple[str, ...], Row] = {}
    for row in (*rows, *more):
        label = tuple(str(value) for name, value in row if name != amount)
        before = sums.get(label)
        sums[label] = row.model_copy(update={amount: getattr(before, amount) + getattr(row, amount)}) if before else row
    return [sums[label] for label in sorted(sums)]
