"""What a namespace's ledgers are to become, change by change, before it is stored; the pure part of their writer."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from coppice.accounting.budget import Position, ensure_within, position, shortfalls, sum_of
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


def fitting(specs: Sequence[TrainingLedgerSpec], refused: Iterable[Claim]) -> list[str]:
    """Names of the refused that fit together now; each takes its room before the next is looked at."""
    stands: dict[str, Position] = {}
    fitting = []
    for claim in refused:
        month = claim.wanted.month
        stand = stands[month] if month in stands else position(specs, month)
        stands[month] = stand
        if not shortfalls(stand, sum_of(claim.wanted), claim.budget):
            stands[month] = replace(stand, reserved=stand.reserved + sum_of(claim.wanted))
            fitting.append(claim.job)
    return fitting
