"""The search for the best ladder: every set of rungs, but for those that bounds rule out, in its cheapest order.

Whether a rung is reached depends on the set of rungs before it, not on their order (see `together`), and so does the
chance of a ladder. So sets are grown in the order of price, each once; `bounds` say what a set can become, and a rung
waits for those that dominate it (see `dominance`). Where no two rungs are of one base model the order of price is the
cheapest; for the others see `order`.

The search begins with what would be best if rungs were independent: most often that is the best ladder, and a few steps
prove it. Otherwise the most promising set of all is grown next (best-first, Hart et al. 1968), and what it becomes as
long as that promises anything (plunging, Achterberg 2007): so hardly any is grown that the best ladder would have ruled
out, and good ladders are found long before the best one is proven. A search that would grow more than MOST_GROWN, or
hold more than MOST_LOOKED_AT rungs against them, ends with the best ladder so far, and says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from heapq import heappop, heappush
from math import inf

from coppice.planning.bounds import ROUNDING, Bounds, Relaxed
from coppice.planning.dominance import Undominated, Waits
from coppice.planning.order import in_order
from coppice.planning.room import Room
from coppice.planning.rung import Ladder, Rules, Rung, attempts_before, expected_cost, miss_probability

MOST_GROWN, MOST_LOOKED_AT = 200, 24_000
"""Beginnings grown, and rungs held against them: a few milliseconds. Of the searches of `python -m bench planning` one
in 150 ends so, mostly with the best ladder; the worst of a dozen and a half cost 15 % more."""
TIED = 1e-8
"""Relative difference of costs that can still rank as equal, in the digits of a rank."""

_Rank = tuple[float, float, int, tuple[str, ...]]


@dataclass(slots=True)
class Beginning:
    """Some rungs by price: the probability that all miss, what is left of attempts, used of limits.

    `cost` and `apart` are cost and probability if all failed independently: never more than they are. `standing` are
    the numbers of all rungs of its base models, as bits.
    """

    rungs: tuple[Rung, ...]
    standing: int
    cost: float
    apart: float
    reached: float
    left: int
    trains: int
    highs: tuple[float, ...]


_Longer = tuple[float, int]
"""What a ladder longer by one rung promises: the least cost of any that suffices and begins so; the rung's number."""
_Waiting = tuple[float, int, Beginning, int, Iterator[_Longer]]
"""A ladder with its most promising rung to go on with, by promise and age, and the others that promise less."""


class Search:
    """One search; the rungs are all admissible, `last` alone fits the rules, and only the `binding` limits can bind."""

    def __init__(
        self, kept: Sequence[Undominated], last: Rung | None, rules: Rules, length: int, binding: Sequence[int]
    ) -> None:
        ordered = [one for _, _, one in sorted((one.rung.price, one.rung.name, one) for one in kept)]
        self._rungs = rungs = [one.rung for one in ordered]
        self._last, self._rules, self._binding = last, rules, binding
        trains, highs = attempts_before(last, rules), last.highs if last else (0.0,) * len(rules.remaining)
        self._room = Room(rungs, rules.remaining, binding)
        length, trains = self._room.after(highs, length, trains)
        self._training = [rung.trains and trains < length for rung in rungs]
        trains = trains if any(self._training) else 0
        self._bounds = Bounds(rungs, self._training, last, length, trains)
        self._waits = Waits(ordered, last)
        self._most_cost = most_cost(1.0, last, rules) if last else inf
        self._found: tuple[_Rank, Beginning] | None = None
        self._relaxed = self._bounds.relaxed(1 - rules.sufficient, self._most_cost)
        self._sufficient_misses = 1 - rules.sufficient + 2 * ROUNDING
        self._grown, self._looked_at, self._proven = 0, 0, True
        self._start = Beginning((), 0, 0.0, 1.0, 1.0, length, trains, highs)
        self._look_for_better()

    def best(self) -> Ladder | None:
        """The best ladder; None where no rung may run."""
        if self._last is not None:
            self._keep(self._start, self._last.cost)
        for one in self._relaxed:
            self._begin_with(one.numbers)
        if self._boundless:
            self._begin_with(self._surest.numbers)
        self._grow()
        if self._found is None:
            return None
        rungs = in_order(self._found[1].rungs)
        whole = (*rungs, self._last) if self._last else rungs
        chance = 1 - miss_probability(whole)
        return Ladder(whole, chance, expected_cost(whole), proven=self._proven)

    def _begin_with(self, numbers: Iterable[int]) -> None:
        """A good ladder to begin with, so that bounds bite early: of these rungs one of each base model."""
        now = self._start
        for number in numbers:
            if not now.standing >> number & 1 and self._has_room(now, self._rungs[number]):
                now = self._with(now, number)
        if now.rungs:
            self._offer(now)

    def _grow(self) -> None:
        """Longer ladders, the most promising first; of two that promise the same, the one begun last."""
        waiting: list[_Waiting] = []
        going_on = self._following(self._start, 0)
        while going_on and going_on[0] <= self._limit:
            if self._grown >= MOST_GROWN or self._looked_at > MOST_LOOKED_AT:
                self._proven = False
                return
            _, age, now, number, others = going_on
            going_on = None
            following = next(others, None)
            if following:
                heappush(waiting, (following[0], age, now, following[1], others))
            if self._suffices or self._sure_enough(now, [number]):
                longer = self._with(now, number)
                self._offer(longer)
                going_on = self._following(longer, number + 1)
            if waiting and (going_on is None or going_on[0] > self._limit):
                going_on = heappop(waiting)

    def _following(self, now: Beginning, start: int) -> _Waiting | None:
        """What this can grow into with a rung from `start` on."""
        if now.left <= 0 or now.reached <= 0:
            return None
        self._grown, self._looked_at = self._grown + 1, self._looked_at + len(self._rungs) - start
        numbers = self._waits.over(self._promising(now, range(start, len(self._rungs))), now.standing)
        if self._binding:
            numbers = [number for number in numbers if self._has_room(now, self._rungs[number])]
        if not numbers:
            return None
        limit = self._limit
        longer = sorted(one for one in zip(self._promises(now, numbers), numbers, strict=True) if one[0] <= limit)
        if not longer:
            return None
        others = iter(longer)
        promise, number = next(others)
        return promise, -self._grown, now, number, others

    def _promising(self, now: Beginning, numbers: Sequence[int]) -> Sequence[int]:
        """The rungs with which something no worse than what was found may come of this.

        Once a ladder was found that suffices, one bound is enough: `promises` are held against the others.
        """
        if not self._suffices:
            numbers = self._sure_enough(now, numbers)
        if self._boundless:
            return numbers
        costs, allowed = self._relaxed[0].with_each(now.trains, now.left), (self._most[0] - now.cost) / now.apart
        numbers = [number for number in numbers if costs[number] <= allowed]
        if not self._suffices:
            for one, most in zip(self._relaxed[1:], self._most[1:], strict=True):
                costs, allowed = one.with_some(numbers, now.trains, now.left), (most - now.cost) / now.apart
                numbers = [number for number, cost in zip(numbers, costs, strict=True) if cost <= allowed]
        return numbers

    def _sure_enough(self, now: Beginning, numbers: Sequence[int]) -> Sequence[int]:
        """The rungs with which this can come to fail no more often than what was found."""
        misses, allowed = self._surest.with_each(now.trains, now.left), self._misses / now.reached
        return [number for number in numbers if misses[number] <= allowed]

    def _promises(self, now: Beginning, numbers: Sequence[int]) -> Iterable[float]:
        """For each rung the tightest bound of going on with it to what suffices."""
        bounds = []
        for one in self._relaxed:
            before = now.cost - one.price * self._sufficient_misses
            bounds.append(one.with_some(numbers, now.trains, now.left, before, now.apart))
        return map(max, *bounds) if len(bounds) > 1 else bounds[0]

    @cached_property
    def _surest(self) -> Relaxed:
        return self._bounds.surest()

    def _has_room(self, now: Beginning, rung: Rung) -> bool:
        remaining = self._rules.remaining
        return not self._binding or all(now.highs[n] + rung.highs[n] <= remaining[n] for n in self._binding)

    def _with(self, now: Beginning, number: int) -> Beginning:
        rung = self._rungs[number]
        rungs = (*now.rungs, rung)
        alone = not now.standing >> number & 1
        left, trains, highs = now.left - 1, now.trains - self._training[number], now.highs
        if self._binding:
            highs = tuple(used + high for used, high in zip(highs, rung.highs, strict=False))
            left, trains = self._room.after(highs, left, trains)
        return Beginning(
            rungs,
            now.standing | self._waits.siblings[number],
            now.cost + now.apart * rung.cost,
            now.apart * (1 - rung.chance),
            now.reached * (1 - rung.chance) if alone else miss_probability(rungs),
            left,
            trains,
            highs,
        )

    def _offer(self, found: Beginning) -> None:
        last = self._last
        cost = found.cost + found.reached * last.cost if last else found.cost
        if not self._may_rank(found, cost):
            return
        if found.apart < found.reached:
            cost = expected_cost(in_order(found.rungs)) + (found.reached * last.cost if last else 0.0)
        if last is None or cost < most_cost(self._chance(found), last, self._rules):
            self._keep(found, cost)

    def _may_rank(self, found: Beginning, cost: float) -> bool:
        """Spares most of the ranking: whether it can be as good as what was found."""
        if self._found is None:
            return True
        best, price = -self._found[0][0], self._found[0][1]
        score = min(self._chance(found), self._rules.sufficient)
        return score > best + ROUNDING or (score >= best - ROUNDING and cost <= price * (1 + TIED))

    def _keep(self, found: Beginning, cost: float) -> None:
        """The better of this and what was found: likelier, up to what suffices; then cheaper, shorter, and by name."""
        names = tuple(sorted(rung.name for rung in found.rungs))
        score = round(min(self._chance(found), self._rules.sufficient), 9)
        rank = -score, float(f"{cost:.9g}"), len(found.rungs), names
        if self._found is None or rank < self._found[0]:
            self._found = rank, found
            self._look_for_better()

    def _look_for_better(self) -> None:
        """What costs and failures may come to, at each price of failure, for a ladder no worse than what was found.

        `boundless` are costs where any ladder is better that fails less often.
        """
        best, cost = (-self._found[0][0], self._found[0][1]) if self._found else (0.0, inf)
        self._misses = 1 - best + ROUNDING
        self._suffices = best >= self._rules.sufficient - ROUNDING
        self._limit = cost * (1 + TIED) * (1 + ROUNDING) if self._suffices else inf
        self._boundless = self._most_cost == inf and not self._suffices
        self._most: list[float] = []
        for one in self._relaxed:
            dear = max(one.price - self._most_cost, 0.0) if self._rules.by_success else one.price
            most = self._most_cost + dear * self._misses
            if self._suffices:
                most = min(most, cost * (1 + TIED) + one.price * self._misses)
            self._most.append(most * (1 + ROUNDING))

    def _chance(self, found: Beginning) -> float:
        return 1 - found.reached * (1 - self._last.chance if self._last else 1.0)


def most_cost(chance: float, last: Rung, rules: Rules) -> float:
    """What a ladder of that chance may cost before its last rung alone is the better plan."""
    if rules.by_success and last.chance <= 0:
        return inf
    more = chance / last.chance if rules.by_success else 1.0
    return (1 - rules.minimum_saving) * last.cost * more * (1 + ROUNDING * (rules.minimum_saving > 0))
