"""What a namespace's ledgers are to become, change by change, before it is stored; the pure part of their writer."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from coppice.accounting.budget import Position, Sum, ensure_within, position, shortfalls, sum_of
from coppice.accounting.ledger import entry_of, object_for
from coppice.api.trainingledger import LedgerEntry, Reservation, TrainingLedgerSpec
from coppice.api.trainingpolicy import Amounts

Change = Callable[[TrainingLedgerSpec], TrainingLedgerSpec]


@dataclass(frozen=True)
class Claim:
    """What a job wants to hold of a budget; `job` is its name."""

    job: str
    wanted: Reservation
    budget: Amounts


@dataclass(frozen=True)
class Wish:
    """One change of the ledger object that a job belongs to, and who waits for it."""

    uid: str
    change: Change
    done: asyncio.Future[None]
    claim: Claim | None = None
    frees: bool = False


class Draft:
    """What the ledgers of a namespace are to become, wish by wish; how its budgets stand is summed up only once."""

    def __init__(self, namespace: str, specs: list[TrainingLedgerSpec]) -> None:
        self._namespace = namespace
        self.specs = specs
        self._stands: dict[str, Position] = {}

    def apply(self, wish: Wish) -> None:
        """Make one change; one that fails tells only its own caller."""
        if wish.done.done():
            return
        number = object_for(self.specs, wish.uid)
        there = number < len(self.specs)
        before = self.specs[number] if there else TrainingLedgerSpec(namespace=self._namespace)
        try:
            if wish.claim is not None:
                self._ensure_within(wish.claim, entry_of(before, wish.uid))
            after = wish.change(before)
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the change
            wish.done.set_exception(error)
            return
        if there:
            self.specs[number] = after
        elif after is not before:
            self.specs.append(after)
        if after is not before:
            self._note(wish, entry_of(before, wish.uid))

    def stand(self, month: str) -> Position:
        """How the namespace stands in a month, by this draft."""
        if month not in self._stands:
            self._stands[month] = position(self.specs, month)
        return self._stands[month]

    def _ensure_within(self, claim: Claim, entry: LedgerEntry | None) -> None:
        if entry is None or not entry.settled:
            ensure_within(self.stand(claim.wanted.month), entry.reserved if entry else None, claim.wanted, claim.budget)

    def _note(self, wish: Wish, before: LedgerEntry | None) -> None:
        if wish.claim is None:
            self._stands.clear()
            return
        more = sum_of(wish.claim.wanted) - sum_of(before.reserved if before else None)
        self._stands = {month: replace(stand, reserved=stand.reserved + more) for month, stand in self._stands.items()}


def fitting(specs: Sequence[TrainingLedgerSpec], refused: Mapping[str, Claim]) -> list[str]:
    """Names of the refused, by uid, that fit together now; each takes its room before the next is looked at.

    A job between two rungs holds something already, which is no other's and counts once.
    """
    entries = (entry for spec in specs for entry in spec.entries)
    held = {entry.uid: sum_of(entry.reserved) for entry in entries if entry.uid in refused and not entry.settled}
    stands: dict[str, Position] = {}
    fitting = []
    for uid, claim in refused.items():
        month = claim.wanted.month
        stand = stands[month] if month in stands else position(specs, month)
        stands[month] = stand
        others = replace(stand, reserved=stand.reserved - held.get(uid, Sum()))
        if not shortfalls(others, sum_of(claim.wanted), claim.budget):
            stands[month] = replace(others, reserved=others.reserved + sum_of(claim.wanted))
            fitting.append(claim.job)
    return fitting
