"""The search for the best ladder: every set of rungs in its best order, but for those that bounds rule out.

Whether a rung is reached depends on the set of rungs before it, not on their order (see `together`), so of the
orders of a set only the cheapest can be the beginning of a best ladder (Held and Karp 1962). What can follow a
beginning is bounded from both sides as if rungs failed independently, which only makes it look better:

    chance  no n further rungs miss less often than the n most telling ones, model by model
    cost    V(0) = the last rung's cost, V(n) = min(V(n-1), min over rungs of cost + (1 - chance) V(n-1))
            and each unit of probability costs at least the least cost per chance of any rung

A search that takes more than MOST_STEPS ends with the best ladder so far, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from coppice.planning.rung import Ladder, Rules, Rung, expected_cost, fits, miss_probability, most_before
from coppice.planning.together import all_miss

MOST_STEPS = 20_000
ROUNDING = 1e-9
"""Relative difference below which sums of floats say nothing."""

Rank = tuple[float, float, int, tuple[str, ...]]


@dataclass(frozen=True)
class _Beginning:
    """Some rungs in order: their set as bits, what they are expected to cost, and the probability that all miss."""

    rungs: tuple[Rung, ...] = ()
    bits: int = 0
    cost: float = 0.0
    reached: float = 1.0


class Search:
    """One search; `rungs` are all admissible, and `last` alone fits the rules."""

    def __init__(self, rungs: Sequence[Rung], last: Rung | None, rules: Rules) -> None:
        self._rungs = sorted(rungs, key=lambda rung: (rung.price, rung.name))
        self._last, self._rules = last, rules
        self._length = most_before(rungs, last, rules)
        self._least_misses = _least_misses(self._rungs, self._length)
        self._least_costs = _least_costs(self._rungs, last, self._length)
        self._least_price = min((rung.price for rung in rungs), default=0.0)
        self._most_cost = min(1.0, 1 - rules.minimum_saving) * last.cost if last else float("inf")
        self._cheapest: dict[int, float] = {}
        self._found: tuple[Rank, tuple[Rung, ...]] | None = None
        self._steps = 0

    def best(self) -> Ladder | None:
        """The best ladder; None where no rung may run."""
        if self._last is not None:
            self._found = self._rank(_Beginning()), ()
        self._greedy()
        self._grow(_Beginning())
        if self._found is None:
            return None
        rungs = _in_order(self._found[1])
        whole = (*rungs, self._last) if self._last else rungs
        chance = 1 - miss_probability(whole)
        return Ladder(whole, chance, expected_cost(whole), proven=self._steps < MOST_STEPS)

    def _greedy(self) -> None:
        """Good ladders to begin with, so that bounds bite early: the likeliest rungs, each time the next that tells."""
        now = _Beginning()
        while steps := [self._with(now, number) for number in range(len(self._rungs)) if self._may(now, number)]:
            now = min(steps, key=lambda step: (step.reached, step.cost))
            self._offer(now, tuple(_in_order(now.rungs)))

    def _grow(self, now: _Beginning) -> None:
        for number in range(len(self._rungs)):
            if self._steps >= MOST_STEPS:
                return
            if not self._may(now, number):
                continue
            self._steps += 1
            step = self._with(now, number)
            if step.cost < self._cheapest.get(step.bits, float("inf")) * (1 - ROUNDING):
                self._cheapest[step.bits] = step.cost
                self._offer(step, step.rungs)
                if self._promises(step):
                    self._grow(step)

    def _may(self, now: _Beginning, number: int) -> bool:
        if now.bits >> number & 1 or now.reached <= 0:
            return False
        ending = (self._last,) if self._last else ()
        return fits((*now.rungs, self._rungs[number], *ending), self._rules)

    def _with(self, now: _Beginning, number: int) -> _Beginning:
        rung = self._rungs[number]
        rungs = (*now.rungs, rung)
        cost = now.cost + now.reached * rung.cost
        return _Beginning(rungs, now.bits | 1 << number, cost, miss_probability(rungs))

    def _promises(self, now: _Beginning) -> bool:
        """Whether something better than what was found may begin like this."""
        left = self._length - len(now.rungs)
        if left <= 0:
            return False
        missing = now.reached * self._least_misses[left] * (1 - self._last.chance if self._last else 1.0)
        score, cost = min(1 - missing, self._rules.sufficient), now.cost + now.reached * self._least_costs[left]
        if cost > self._most_cost * (1 + ROUNDING):
            return False
        if self._found is None:
            return True
        best, price = -self._found[0][0], self._found[0][1]
        if score > best + ROUNDING:
            return True
        return score >= best - ROUNDING and max(cost, self._cost_of_chance(now, best)) <= price * (1 + ROUNDING)

    def _cost_of_chance(self, now: _Beginning, chance: float) -> float:
        """What it costs at least to become so likely."""
        last, price = self._last, self._least_price
        enough = (1 - chance) / max(1 - last.chance, 1e-12) if last else 1 - chance
        least = max(now.reached - enough, 0.0)
        after = min(enough, now.reached) * min(last.cost, price) if last else 0.0
        return now.cost + price * least + after

    def _offer(self, found: _Beginning, rungs: tuple[Rung, ...]) -> None:
        last = self._last
        cost = found.cost + found.reached * last.cost if last else found.cost
        if last is not None and not (cost < last.cost and cost <= (1 - self._rules.minimum_saving) * last.cost):
            return
        rank = self._rank(found)
        if self._found is None or rank < self._found[0]:
            self._found = rank, rungs

    def _rank(self, found: _Beginning) -> Rank:
        """Likelier first, up to what suffices; then cheaper, shorter, and by name."""
        last = self._last
        missed = found.reached * (1 - last.chance) if last else found.reached
        cost = found.cost + found.reached * last.cost if last else found.cost
        names = tuple(sorted(rung.name for rung in found.rungs))
        score = round(min(1 - missed, self._rules.sufficient), 9)
        return -score, float(f"{cost:.9g}"), len(found.rungs), names


def _least_misses(rungs: Sequence[Rung], most: int) -> list[float]:
    """For each count the least probability that so many rungs all miss."""
    groups: dict[str, list[Rung]] = {}
    for rung in rungs:
        groups.setdefault(rung.group, []).append(rung)
    factors = []
    for group in groups.values():
        chances = sorted((rung.chance for rung in group), reverse=True)
        misses = [all_miss(group[0].suited, chances[:count]) for count in range(min(len(chances), most) + 1)]
        factors += [after / before for before, after in pairwise(misses) if before > 0]
    least = [1.0]
    for factor in [*sorted(factors), *[1.0] * most][:most]:
        least.append(least[-1] * factor)
    return least


def _least_costs(rungs: Sequence[Rung], last: Rung | None, most: int) -> list[float]:
    """For each count of further rungs the least cost of going on to the end."""
    least = [last.cost if last else 0.0]
    for _ in range(most):
        goes_on = (rung.cost + (1 - rung.chance) * least[-1] for rung in rungs)
        least.append(min(least[-1], min(goes_on, default=least[-1])))
    return least


def _in_order(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The cheapest order of a set, equal ones by price and name."""
    ordered = sorted(rungs, key=lambda rung: (rung.price, rung.name))
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for bits in range(1, 1 << len(ordered)):
        options = []
        for number, rung in enumerate(ordered):
            if bits >> number & 1:
                cost, before = best[bits ^ 1 << number]
                reached = miss_probability(ordered[one] for one in before)
                options.append((float(f"{cost + reached * rung.cost:.12g}"), (*before, number)))
        best[bits] = min(options)
    return tuple(ordered[number] for number in best[(1 << len(ordered)) - 1][1])
