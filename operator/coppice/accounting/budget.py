"""Budgets: what a namespace used in a month, what open jobs hold of it, and whether another plan still fits.

    used (settled, by slot time) + reserved (high estimates of open jobs) + wanted <= budget      for each amount

An open job may use all that it holds today, whenever it began, so its reservation counts in every month until it is
settled. The price: just after a month's turn a long job is counted with more than it has left to use. A job that is
told to wait before its next start holds what it has used, and asks for the rest again when it may go on.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from coppice.api.trainingledger import LedgerEntry, MonthTotal, Reservation, TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts

ZERO = Decimal(0)
FIELDS = {"energy_watt_hours": "Wh", "carbon_grams": "gCO2e", "cost": "in money"}
"""The amounts that a budget bounds, and the words behind their numbers."""


@dataclass(frozen=True)
class Sum:
    """Watt-hours of facility energy, gCO2e and money together; a budget bounds each by itself."""

    energy_watt_hours: Decimal = ZERO
    carbon_grams: Decimal = ZERO
    cost: Decimal = ZERO

    def __add__(self, other: "Sum") -> "Sum":
        """Both."""
        return Sum(
            self.energy_watt_hours + other.energy_watt_hours,
            self.carbon_grams + other.carbon_grams,
            self.cost + other.cost,
        )

    def __sub__(self, other: "Sum") -> "Sum":
        """What is left of the first without the second."""
        return Sum(
            self.energy_watt_hours - other.energy_watt_hours,
            self.carbon_grams - other.carbon_grams,
            self.cost - other.cost,
        )


@dataclass(frozen=True)
class Position:
    """How a namespace stands: used in a month, and reserved by jobs that are open."""

    used: Sum = Sum()
    reserved: Sum = Sum()


@dataclass(frozen=True)
class Shortfall:
    """One amount that does not fit: its field of Amounts, and the four numbers."""

    name: str
    used: Decimal
    reserved: Decimal
    wanted: Decimal
    budget: Decimal


class BudgetExhausted(Exception):
    """A plan does not fit what the budget of its namespace leaves; nothing was reserved."""

    def __init__(self, month: str, shortfalls: tuple[Shortfall, ...]) -> None:
        super().__init__(f"the budget of {month} does not hold the plan: {', '.join(one.name for one in shortfalls)}")
        self.month = month
        self.shortfalls = shortfalls


def sum_of(amounts: MonthTotal | Reservation | None) -> Sum:
    """The amounts of a month or a reservation; nothing where there is none."""
    return Sum(amounts.energy_watt_hours, amounts.carbon_grams, amounts.cost) if amounts else Sum()


def position(specs: Iterable[TrainingLedgerSpec], month: str) -> Position:
    """How a namespace stands in a month, over all its ledger objects."""
    specs = tuple(specs)
    used = [total for spec in specs for total in spec.months if total.month == month]
    held = [entry.reserved for spec in specs for entry in spec.entries if entry.reserved and not entry.settled]
    return Position(_summed(used), _summed(held))


@dataclass(frozen=True)
class Others:
    """How a namespace stands without one job's reservation; `counted`: its use is settled already, and part of this."""

    month: str
    stand: Position
    counted: bool = False


def others(specs: Iterable[TrainingLedgerSpec], uid: str, month: str) -> Others:
    """How a namespace stands in a month without what one job has reserved."""
    specs = tuple(specs)
    stand, entry = position(specs, month), _entry(specs, uid)
    if entry is None or entry.settled:
        return Others(month, stand, counted=entry is not None)
    return Others(month, Position(stand.used, stand.reserved - sum_of(entry.reserved)))


def reserved_by(specs: Iterable[TrainingLedgerSpec], uid: str) -> Reservation | None:
    """What an open job holds of its namespace's budget; None where it holds nothing."""
    entry = _entry(specs, uid)
    return None if entry is None or entry.settled else entry.reserved


def lessened(held: Reservation, needed: Reservation) -> Reservation:
    """What is left of a reservation when a job needs no more than `needed` for now; it never rises."""
    least = {name: min(getattr(held, name), getattr(needed, name)) for name in FIELDS}
    return held.model_copy(update=least)


def shortfalls(stand: Position, wanted: Sum, budget: Amounts) -> tuple[Shortfall, ...]:
    """The amounts of a plan that the budget does not hold any more; none: it fits."""
    found = []
    for name in FIELDS:
        most = getattr(budget, name)
        used, reserved, more = (getattr(one, name) for one in (stand.used, stand.reserved, wanted))
        if most is not None and more > 0 and used + reserved + more > most:
            found.append(Shortfall(name, used, reserved, more, Decimal(most)))
    return tuple(found)


def ensure_within(stand: Position, held: Reservation | None, wanted: Reservation, budget: Amounts) -> None:
    """Raises BudgetExhausted, with the numbers, where what a job wants to hold does not fit.

    What it holds already (`held`) is part of what stands reserved and counts once; a job that wants no more than it
    holds goes on, whatever others used meanwhile.
    """
    if covers(held, wanted):
        return
    others = Position(stand.used, stand.reserved - sum_of(held))
    lacking = shortfalls(others, sum_of(wanted), budget)
    if lacking:
        raise BudgetExhausted(wanted.month, lacking)


def covers(held: Reservation | None, wanted: Reservation) -> bool:
    """Whether a reservation already holds all of another."""
    return held is not None and all(getattr(held, name) >= getattr(wanted, name) for name in FIELDS)


def _entry(specs: Iterable[TrainingLedgerSpec], uid: str) -> LedgerEntry | None:
    return next((one for spec in specs for one in spec.entries if one.uid == uid), None)


def _summed(rows: Sequence[MonthTotal] | Sequence[Reservation]) -> Sum:
    """Field by field, which is several times as fast as adding Sums; a burst of jobs asks a thousand times."""
    return Sum(*(sum((getattr(row, name) for row in rows), ZERO) for name in FIELDS))
