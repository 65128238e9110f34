"""The search for the best ladder: every set of rungs in its best order, but for those that bounds rule out.

Whether a rung is reached depends on the set of rungs before it, not on their order (see `together`), so of the
orders of a set only the cheapest can be the beginning of a best ladder (Held and Karp 1962). What can follow a
beginning is judged by `bounds`. A search that takes more than MOST_STEPS ends with the best ladder so far, and says
so: with the usual few attempts it takes some hundred.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coppice.planning.bounds import Bounds
from coppice.planning.rung import Ladder, Rules, Rung, expected_cost, miss_probability, most_before

MOST_STEPS = 1_500
ROUNDING = 1e-9
"""Relative difference below which sums of floats say nothing."""

Rank = tuple[float, float, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Beginning:
    """Some rungs in order: their set as bits, what they are expected to cost, the probability that all miss, and what
    they use of attempts and limits."""

    rungs: tuple[Rung, ...]
    bits: int
    cost: float
    reached: float
    trains: int
    highs: tuple[float, ...]
    groups: frozenset[str]


class Search:
    """One search; `rungs` are all admissible, and `last` alone fits the rules."""

    def __init__(self, rungs: Sequence[Rung], last: Rung | None, rules: Rules) -> None:
        self._rungs = sorted(rungs, key=lambda rung: (rung.price, rung.name))
        self._last, self._rules = last, rules
        self._length = most_before(rungs, last, rules)
        self._trains = rules.train_rungs - (last.trains if last else 0)
        self._bounds = Bounds(self._rungs, last, self._length)
        self._most_cost = min(1.0, 1 - rules.minimum_saving) * last.cost if last else float("inf")
        self._cheapest: dict[int, float] = {}
        self._found: tuple[Rank, tuple[Rung, ...]] | None = None
        self._steps = 0
        highs = last.highs if last else (0.0,) * len(rules.remaining)
        self._all = range(len(self._rungs))
        self._free = [number for number, rung in enumerate(self._rungs) if not rung.trains]
        self._binding = [number for number, left in enumerate(rules.remaining) if left != float("inf")]
        self._start = Beginning((), 0, 0.0, 1.0, 0, highs[: len(rules.remaining)], frozenset())

    def best(self) -> Ladder | None:
        """The best ladder; None where no rung may run."""
        if self._last is not None:
            self._found = self._rank(self._start), ()
        self._greedy()
        self._grow(self._start)
        if self._found is None:
            return None
        rungs = _in_order(self._found[1])
        whole = (*rungs, self._last) if self._last else rungs
        chance = 1 - miss_probability(whole)
        return Ladder(whole, chance, expected_cost(whole), proven=self._steps < MOST_STEPS)

    def _greedy(self) -> None:
        """Good ladders to begin with, so that bounds bite early: always the rung after which least is left to miss."""
        now = self._start
        while steps := [self._with(now, number) for number in self._open(now) if self._may(now, number)]:
            now = min(steps, key=lambda step: (step.reached, step.cost))
            rungs = _in_order(now.rungs)
            self._offer(now, expected_cost(rungs))

    def _grow(self, now: Beginning) -> None:
        for number in self._open(now):
            if self._steps >= MOST_STEPS:
                return
            bits = now.bits | 1 << number
            cost = now.cost + now.reached * self._rungs[number].cost
            if cost > self._most_cost or cost >= self._cheapest.get(bits, float("inf")) * (1 - ROUNDING):
                continue
            if not self._may(now, number):
                continue
            self._steps += 1
            self._cheapest[bits] = cost
            step = self._with(now, number)
            self._offer(step, cost)
            if self._promises(step):
                self._grow(step)

    def _open(self, now: Beginning) -> Sequence[int]:
        """The rungs that attempts and length leave to be tried next."""
        if now.reached <= 0 or len(now.rungs) >= self._length:
            return ()
        return self._all if now.trains < self._trains else self._free

    def _may(self, now: Beginning, number: int) -> bool:
        """Whether a rung is not on the ladder yet and fits the limits beside those that are."""
        if now.bits >> number & 1:
            return False
        highs, remaining = self._rungs[number].highs, self._rules.remaining
        return not self._binding or all(now.highs[n] + highs[n] <= remaining[n] for n in self._binding)

    def _with(self, now: Beginning, number: int) -> Beginning:
        rung = self._rungs[number]
        rungs = (*now.rungs, rung)
        alone = rung.group not in now.groups
        return Beginning(
            rungs,
            now.bits | 1 << number,
            now.cost + now.reached * rung.cost,
            now.reached * (1 - rung.chance) if alone else miss_probability(rungs),
            now.trains + rung.trains,
            tuple(used + rung.highs[n] for n, used in enumerate(now.highs)),
            now.groups | {rung.group} if alone else now.groups,
        )

    def _promises(self, now: Beginning) -> bool:
        """Whether something better than what was found may begin like this."""
        left = self._length - len(now.rungs)
        if left <= 0:
            return False
        if self._bounds.cost(now.cost, now.reached, left) > self._most_cost * (1 + ROUNDING):
            return False
        if self._found is None:
            return True
        best, price = -self._found[0][0], self._found[0][1]
        cost = self._cost(now, left, best)
        suffices = best >= self._rules.sufficient - ROUNDING
        if cost > (price if suffices else self._most_cost) * (1 + ROUNDING):
            return False
        chance = 1 - now.reached * self._bounds.miss(now.bits, now.groups, left, self._trains - now.trains)
        score = min(chance, self._rules.sufficient)
        return score > best + ROUNDING or (score >= best - ROUNDING and cost <= price * (1 + ROUNDING))

    def _cost(self, now: Beginning, left: int, chance: float) -> float:
        """What a ladder that begins like this and is so likely costs at least."""
        bounds = self._bounds
        likely = bounds.cost_of_chance(now.bits, now.cost, now.reached, chance)
        return max(bounds.cost(now.cost, now.reached, left), likely)

    def _offer(self, found: Beginning, cost: float) -> None:
        last = self._last
        whole = cost + found.reached * last.cost if last else cost
        if last is not None and not (whole < last.cost and whole <= (1 - self._rules.minimum_saving) * last.cost):
            return
        if self._found is not None and not self._may_rank(found, whole):
            return
        rank = self._rank(found, whole)
        if self._found is None or rank < self._found[0]:
            self._found = rank, found.rungs

    def _may_rank(self, found: Beginning, cost: float) -> bool:
        """Spares most of the ranking: whether it can be as good as what was found."""
        assert self._found is not None
        best, price = -self._found[0][0], self._found[0][1]
        score = min(self._chance(found), self._rules.sufficient)
        return score > best + ROUNDING or (score >= best - ROUNDING and cost <= price * (1 + ROUNDING))

    def _chance(self, found: Beginning) -> float:
        return 1 - found.reached * (1 - self._last.chance if self._last else 1.0)

    def _rank(self, found: Beginning, cost: float | None = None) -> Rank:
        """Likelier first, up to what suffices; then cheaper, shorter, and by name."""
        if cost is None:
            cost = self._last.cost if self._last else 0.0
        names = tuple(sorted(rung.name for rung in found.rungs))
        score = round(min(self._chance(found), self._rules.sufficient), 9)
        return -score, float(f"{cost:.9g}"), len(found.rungs), names


def _in_order(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The cheapest order of a set, equal ones by price and name."""
    ordered = sorted(rungs, key=lambda rung: (rung.price, rung.name))
    if len({rung.group for rung in ordered}) == len(ordered):
        return tuple(ordered)
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
