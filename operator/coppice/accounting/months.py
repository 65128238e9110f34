"""What a job used by calendar month: energy and its carbon by slot, the rest by reserved time.

A budget is a month's, and a job may run across its end. Slots are clipped to the time that was reserved, so that a
long slot puts nothing into a month in which no pod ran.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from coppice.accounting.account import Account
from coppice.accounting.calendar import month_of, shares
from coppice.accounting.cost import MILLIONTH, device_cost, energy_cost
from coppice.accounting.counted import counted
from coppice.accounting.operational import Slot
from coppice.accounting.units import JOULES_PER_KILOWATT_HOUR
from coppice.accounting.use import AttemptUse, PodUse
from coppice.api.trainingjob_status import TotalsStatus
from coppice.api.trainingledger import MonthTotal
from coppice.api.trainingreport import EnergySlot

JOULES_PER_WATT_HOUR = JOULES_PER_KILOWATT_HOUR / 1000


@dataclass
class _Sums:
    """Watt-hours, grams and money by month, while they are added up."""

    energy: dict[str, Decimal] = field(default_factory=dict)
    carbon: dict[str, Decimal] = field(default_factory=dict)
    cost: dict[str, Decimal] = field(default_factory=dict)

    def totals(self) -> tuple[MonthTotal, ...]:
        return tuple(
            MonthTotal(
                month=month,
                energy_watt_hours=_rounded(self.energy, month),
                carbon_grams=_rounded(self.carbon, month),
                cost=_rounded(self.cost, month),
            )
            for month in sorted({*self.energy, *self.carbon, *self.cost})
        )


def months_of(
    attempts: Sequence[tuple[AttemptUse, Account]], other_cost: Decimal = Decimal(0)
) -> tuple[MonthTotal, ...]:
    """What attempts used in each month, oldest first; `other_cost` (licences, data) falls into the first.

    Watt-hours of facility energy, gCO2e operational plus embodied (mid), and money; what has no price adds none.
    """
    sums = _Sums()
    for use, account in attempts:
        pods = [item.pod for item in counted(use.pods)[0]]
        if pods:
            _add_slots(sums, use, account, pods)
            _add_reserved(sums, use, account, pods)
    starts = [pod.start for use, _ in attempts for pod in use.pods]
    if starts and other_cost:
        _add(sums.cost, month_of(min(starts)), other_cost)
    return sums.totals()


def months_of_slots(slots: Sequence[EnergySlot], until: datetime, totals: TotalsStatus) -> tuple[MonthTotal, ...]:
    """The totals of a report by month, where it has no record to compute them from; the last slot ends at `until`.

    Energy and operational carbon follow the slots, embodied carbon and money the energy; together they are the totals.
    """
    joules: dict[str, Decimal] = {}
    grams: dict[str, Decimal] = {}
    ends = [*(slot.start for slot in slots[1:]), until]
    for slot, end in zip(slots, ends, strict=True) if slots else ():
        for month, share in shares(slot.start, max(end, slot.start)):
            _add(joules, month, slot.joules * share)
            _add(grams, month, slot.joules * slot.grams_per_kilowatt_hour * share)
    if not sum(joules.values()):
        joules = {month_of(until): Decimal(1)}
    grams = grams if sum(grams.values()) else joules
    sums = _Sums()
    for month in joules:
        used = joules[month] / sum(joules.values())
        burnt = grams[month] / sum(grams.values())
        _add(sums.energy, month, totals.energy_joules / JOULES_PER_WATT_HOUR * used)
        _add(sums.carbon, month, totals.operational_grams * burnt + totals.embodied_grams * used)
        _add(sums.cost, month, (totals.cost or Decimal(0)) * used)
    return sums.totals()


def _add_slots(sums: _Sums, use: AttemptUse, account: Account, pods: Iterable[PodUse]) -> None:
    start, end = min(pod.start for pod in pods), max(pod.end for pod in pods)
    for slot in account.slots:
        for month, share in shares(*_clipped(slot, start, end)):
            joules = slot.joules * share
            _add(sums.energy, month, joules / JOULES_PER_WATT_HOUR)
            _add(sums.carbon, month, slot.grams * share)
            _add(sums.cost, month, energy_cost(use, joules) or Decimal(0))


def _add_reserved(sums: _Sums, use: AttemptUse, account: Account, pods: Iterable[PodUse]) -> None:
    weights: dict[str, Decimal] = {}
    for pod in pods:
        for month, share in shares(pod.start, pod.end):
            _add(weights, month, share * pod.reserved_seconds)
    whole = sum(weights.values(), Decimal(0))
    for month, seconds in weights.items():
        share = seconds / whole if whole else Decimal(0)
        _add(sums.carbon, month, account.embodied_grams.mid * share)
        _add(sums.cost, month, (device_cost(use) or Decimal(0)) * share)


def _clipped(slot: Slot, start: datetime, end: datetime) -> tuple[datetime, datetime]:
    begin = min(max(slot.start, start), end)
    return begin, max(min(slot.start + timedelta(seconds=slot.seconds), end), begin)


def _add(sums: dict[str, Decimal], month: str, amount: Decimal) -> None:
    sums[month] = sums.get(month, Decimal(0)) + amount


def _rounded(sums: dict[str, Decimal], month: str) -> Decimal:
    return sums.get(month, Decimal(0)).quantize(MILLIONTH)
