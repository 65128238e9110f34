"""Screening: which candidates must be drafted, so that the decision and its record are those of all of them.

A candidate is spared where nobody will ask for it:

    ladder   candidates of as many other base models as a ladder can hold cost less, are as likely, as small by every
             limit, and train only if it does (see `dominance`, which finds the rest of what no ladder needs)
    record   as many as are shown, and the base models that a probe may ask, come before it by cost for the chance
    refusal  a plan that is too large is told by the cheapest

Costs and chances are held apart by more than the digits that a decision rounds them to, so no tie is broken here. Of
what dominates, only some of the cheapest at several chances are asked, which spares fewer and never one too many.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from coppice.api.decision import MAX_CANDIDATES
from coppice.planning.column import Figures, Numbers, Truths
from coppice.planning.preposterior import MOST_PROSPECTS
from coppice.planning.rung import MAX_RUNGS
from coppice.planning.sieving.outline import ROUNDING

ROUNDED = 1.0011
"""Two figures further apart than this factor differ in four digits as well."""
ROUNDED_CHANCE = 0.0011
"""The same of chances, whose three digits are shown, as a difference."""
ROUNDED_PRICE = 1.012
"""The same of a cost over a chance."""
STEPS = 10
"""Chances at which the cheapest candidates that are as likely are asked."""


@dataclass(frozen=True)
class Field:
    """Candidates in some order, each figure a column over them.

    `group` numbers the twins that a candidate is of, `twins` says how many they are, `used_as_is` whether they can be;
    `highs` are watt-hours, grams and seconds in rows; `unsure` are those whose figures rounding may change: they are
    drafted and speak against none.
    """

    cost: Figures
    chance: Figures
    highs: Figures
    trains: Truths
    group: Numbers
    twins: Numbers
    used_as_is: Truths
    unsure: Truths


@dataclass(frozen=True)
class Room:
    """What binds ladders: what the limits leave, and Train rungs left.

    `ending` are the high estimates of the plan that may end a ladder, `before` the Train rungs that may come before it.
    """

    remaining: tuple[float, ...]
    train_rungs: int
    before: int
    ending: tuple[float, ...] | None

    @property
    def limited(self) -> bool:
        """Whether any limit binds."""
        return any(left < np.inf for left in self.remaining)


def may_hold(remaining: Iterable[float], highs: Iterable[float]) -> bool:
    """Whether limits surely hold a plan, however its figures are rounded."""
    return all(high * ROUNDED <= left for high, left in zip(highs, remaining, strict=True))


def wanted(field: Field, room: Room) -> Truths:
    """Which candidates must be drafted."""
    found: Truths = field.unsure | ~_dominated(field, room)
    found |= field.cost <= np.min(field.cost, initial=np.inf) * ROUNDED
    price = field.cost / field.chance
    if room.before >= 1 and not room.limited:
        return found | _first(field, price, np.ones(len(price), dtype=bool))
    for ending, trains in ((room.ending, room.train_rungs - 1), (None, room.train_rungs)):
        surely, perhaps = (_may_run(field, room, ending, trains, factor) for factor in (ROUNDED, 1 / ROUNDED))
        found |= perhaps & _first(field, price, surely)
        if field.twins[surely].sum() < MAX_CANDIDATES:
            found |= _first(field, price, ~surely)
    return found


def _may_run(field: Field, room: Room, ending: tuple[float, ...] | None, trains: int, factor: float) -> Truths:
    """Where limits and attempts hold a candidate beside the plan that ends the ladder, with figures so much larger."""
    found = ~field.trains if trains < 1 else np.ones(len(field.cost), dtype=bool)
    for number, left in enumerate(room.remaining):
        found &= (field.highs[number] + (ending[number] if ending else 0.0)) * factor <= left
    return found


def _first(field: Field, price: Figures, among: Truths) -> Truths:
    """What may be among the first by price: those that a record shows, and base models enough for a probe."""
    order = np.flatnonzero(among & ~field.unsure)
    order = order[np.argsort(price[order], kind="stable")]
    models, shown, seen = 0, 0, set[int]()
    for number in order.tolist():
        shown += int(field.twins[number])
        if field.trains[number] and int(field.group[number]) not in seen:
            seen.add(int(field.group[number]))
            models += int(field.twins[number])
        if models >= MOST_PROSPECTS and shown >= MAX_CANDIDATES:
            return np.asarray(price <= price[number] * ROUNDED_PRICE)
    return np.ones(len(price), dtype=bool)


def _dominated(field: Field, room: Room) -> Truths:
    """Those that candidates of enough other base models dominate: of any, or of such as can only be trained."""
    free = int(field.twins[~field.trains].sum())
    length = min(room.before + free, MAX_RUNGS)
    asked = np.unique(np.concatenate(list(_asked(field, room.before, length))))
    asked = asked[np.argsort(field.group[asked], kind="stable")]
    better = _better(field, asked, room)
    groups = field.group[asked]
    begins = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])[: len(groups)]
    each: Truths = np.logical_or.reduceat(better, begins, axis=0) if len(begins) else better
    twins = field.twins[asked][begins]
    trained = twins * ~field.used_as_is[asked][begins]
    return np.asarray((twins @ each >= length) | field.trains & (trained @ each >= room.before))


def _asked(field: Field, before: int, length: int) -> Iterator[Numbers]:
    """The cheapest at several chances: of base models that can only be trained, of all that train, of the rest."""
    yield np.array([], dtype=np.int64)
    only_trained, others = field.trains & ~field.used_as_is, field.trains & field.used_as_is
    for some, most in ((only_trained, before + 1), (others, length), (~field.trains, length)):
        order = np.flatnonzero(some & ~field.unsure)
        order = order[np.argsort(field.cost[order], kind="stable")]
        if len(order):
            chances = field.chance[order]
            steps = np.linspace(0, len(chances) - 1, STEPS).astype(np.int64)
            for least in np.unique(np.sort(chances)[steps]):
                yield order[chances >= least][:most]


def _better(field: Field, asked: Numbers, room: Room) -> Truths:
    """For each that is asked, in rows, the candidates that it dominates and that are of another base model."""
    cost, chance = field.cost[asked][:, None], field.chance[asked][:, None]
    cheaper = (cost * ROUNDED <= field.cost) & (chance >= field.chance)
    likelier = (cost * (1 + ROUNDING) <= field.cost) & (chance >= field.chance + ROUNDED_CHANCE)
    found = (cheaper | likelier) & (field.group[asked][:, None] != field.group)
    found &= field.trains | ~field.trains[asked][:, None]
    for number, left in enumerate(room.remaining):
        if left < np.inf:
            found &= field.highs[number][asked][:, None] * (1 + ROUNDING) <= field.highs[number]
    return np.asarray(found)
