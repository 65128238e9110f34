"""The search for the best ladder: every set of rungs, but for those that bounds rule out, in its cheapest order.

Whether a rung is reached depends on the set of rungs before it, not on their order (see `together`), and so does the
chance of a ladder. So sets are grown in the order of price, each once, and `bounds` say what a set can become. Where
no two rungs are of one base model the order of price is the cheapest; of the others the cheapest order is looked for
(Held and Karp 1962). A search that takes more than MOST_STEPS ends with the best ladder so far, and says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coppice.planning.bounds import Bounds
from coppice.planning.rung import Ladder, Rules, Rung, expected_cost, miss_probability, most_before

MOST_STEPS = 3_000
MOST_IMPROVEMENTS = 8
ROUNDING = 1e-9
"""Relative difference below which sums of floats say nothing."""

Rank = tuple[float, float, int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Beginning:
    """Some rungs by price: their set as bits, the probability that all miss, what they use of attempts and limits.

    `cost` and `apart` are cost and probability if all failed independently: never more than they are.
    """

    rungs: tuple[Rung, ...]
    bits: int
    cost: float
    apart: float
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
        self._most_cost = most_cost(1.0, last, rules) if last else float("inf")
        self._found: tuple[Rank, tuple[Rung, ...]] | None = None
        self._steps = 0
        highs = last.highs if last else (0.0,) * len(rules.remaining)
        self._binding = [number for number, left in enumerate(rules.remaining) if left != float("inf")]
        self._start = Beginning((), 0, 0.0, 1.0, 1.0, 0, highs[: len(rules.remaining)], frozenset())

    def best(self) -> Ladder | None:
        """The best ladder; None where no rung may run."""
        if self._last is not None:
            self._found = self._rank(self._start), ()
        self._greedy()
        self._improve()
        self._grow(self._start, 0)
        if self._found is None:
            return None
        rungs = _in_order(self._found[1])
        whole = (*rungs, self._last) if self._last else rungs
        chance = 1 - miss_probability(whole)
        return Ladder(whole, chance, expected_cost(whole), proven=self._steps < MOST_STEPS)

    def _greedy(self) -> None:
        """Good ladders to begin with, so that bounds bite early: always the rung after which least is left to miss."""
        now = self._start
        numbers = range(len(self._rungs))
        while steps := [self._with(now, number) for number in numbers if self._may(now, number)]:
            now = min(steps, key=lambda step: (step.reached, step.cost))
            self._offer(now)

    def _improve(self) -> None:
        """Replace or leave out one rung of the best ladder so far, as often as that makes it better."""
        for _ in range(MOST_IMPROVEMENTS):
            before = self._found
            if before is None:
                return
            for rung in before[1]:
                rest = [self._rungs.index(one) for one in before[1] if one is not rung]
                base = self._start
                for number in sorted(rest):
                    base = self._with(base, number)
                self._offer(base)
                for number in range(len(self._rungs)):
                    if self._may(base, number) and number not in rest:
                        self._offer(self._with(base, number))
            if self._found is before:
                return

    def _grow(self, now: Beginning, start: int) -> None:
        for number in range(start, len(self._rungs)):
            if self._steps >= MOST_STEPS:
                return
            self._steps += 1
            if not self._promises(now, number):
                return
            if self._may(now, number):
                step = self._with(now, number)
                self._offer(step)
                self._grow(step, number + 1)

    def _may(self, now: Beginning, number: int) -> bool:
        """Whether a rung is not on the ladder yet and fits attempts and limits beside those that are."""
        rung = self._rungs[number]
        if now.bits >> number & 1 or now.reached <= 0 or len(now.rungs) >= self._length:
            return False
        if rung.trains and now.trains >= self._trains:
            return False
        highs, remaining = rung.highs, self._rules.remaining
        return not self._binding or all(now.highs[n] + highs[n] <= remaining[n] for n in self._binding)

    def _with(self, now: Beginning, number: int) -> Beginning:
        rung = self._rungs[number]
        rungs = (*now.rungs, rung)
        alone = rung.group not in now.groups
        return Beginning(
            rungs,
            now.bits | 1 << number,
            now.cost + now.apart * rung.cost,
            now.apart * (1 - rung.chance),
            now.reached * (1 - rung.chance) if alone else miss_probability(rungs),
            now.trains + rung.trains,
            tuple(used + rung.highs[n] for n, used in enumerate(now.highs)),
            now.groups | {rung.group} if alone else now.groups,
        )

    def _promises(self, now: Beginning, start: int) -> bool:
        """Whether something better than what was found may come of this with rungs from `start` on."""
        left, bounds = self._length - len(now.rungs), self._bounds
        if left <= 0 or now.reached <= 0:
            return False
        cost = now.cost + now.apart * bounds.cost(start, left)
        if cost > self._most_cost * (1 + ROUNDING):
            return False
        if self._found is None:
            return True
        best, price = -self._found[0][0], self._found[0][1]
        cost = max(cost, now.cost + bounds.cost_of_chance(now.apart, best, start))
        suffices = best >= self._rules.sufficient - ROUNDING
        if cost > (price if suffices else self._most_cost) * (1 + ROUNDING):
            return False
        chance = 1 - now.reached * bounds.miss(now.bits, now.groups, start, left, self._trains - now.trains)
        score = min(chance, self._rules.sufficient)
        return score > best + ROUNDING or (score >= best - ROUNDING and cost <= price * (1 + ROUNDING))

    def _offer(self, found: Beginning) -> None:
        last = self._last
        ending = found.reached * last.cost if last else 0.0
        if self._found is not None and not self._may_rank(
            found, found.cost + found.apart * last.cost if last else found.cost
        ):
            return
        cost = expected_cost(_in_order(found.rungs)) + ending
        if last is not None and not cost < most_cost(self._chance(found), last, self._rules):
            return
        rank = self._rank(found, cost)
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


def most_cost(chance: float, last: Rung, rules: Rules) -> float:
    """What a ladder of that chance may cost before its last rung alone is the better plan."""
    if rules.by_success and last.chance <= 0:
        return float("inf")
    more = chance / last.chance if rules.by_success else 1.0
    return (1 - rules.minimum_saving) * last.cost * more * (1 + ROUNDING * (rules.minimum_saving > 0))


def _in_order(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The cheapest order of a set, equal ones by price and name."""
    ordered = sorted(rungs, key=lambda rung: (rung.price, rung.name))
    if len({rung.group for rung in ordered}) == len(ordered):
        return tuple(ordered)
    best: list[tuple[float, tuple[int, ...]]] = [(0.0, ())]
    reached = [1.0]
    for bits in range(1, 1 << len(ordered)):
        chosen = [number for number in range(len(ordered)) if bits >> number & 1]
        reached.append(miss_probability(ordered[number] for number in chosen))
        options = []
        for number in chosen:
            cost, before = best[bits ^ 1 << number]
            step = cost + reached[bits ^ 1 << number] * ordered[number].cost
            options.append((float(f"{step:.12g}"), (*before, number)))
        best.append(min(options))
    return tuple(ordered[number] for number in best[-1][1])
