"""The search for the best ladder: every set of rungs, but for those that bounds rule out, in its cheapest order.

Whether a rung is reached depends on the set of rungs before it, not on their order (see `together`), and so does the
chance of a ladder. So sets are grown in the order of price, each once; `bounds` say what a set can become, and a rung
waits for those that dominate it (see `dominance`). Where no two rungs are of one base model the order of price is the
cheapest; for the others see `order`. A search of more than MOST_STEPS ends with the best ladder so far, and says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coppice.planning.bounds import ROUNDING, Bounds
from coppice.planning.dominance import Undominated
from coppice.planning.order import in_order
from coppice.planning.rung import Ladder, Rules, Rung, expected_cost, miss_probability, most_before

MOST_STEPS = 1_000
MOST_IMPROVEMENTS = 8

Rank = tuple[float, float, int, tuple[str, ...]]


@dataclass(slots=True)
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
    """One search; the rungs are all admissible, and `last` alone fits the rules."""

    def __init__(self, kept: Sequence[Undominated], last: Rung | None, rules: Rules) -> None:
        ordered = sorted(kept, key=lambda one: (one.rung.price, one.rung.name))
        self._rungs = rungs = [one.rung for one in ordered]
        self._last, self._rules = last, rules
        self._length = most_before(rungs, last, rules)
        self._trains = rules.train_rungs - (last.trains if last else 0)
        self._bounds = Bounds(rungs, last, self._length)
        self._better = _better(ordered, last)
        self._most_cost = most_cost(1.0, last, rules) if last else float("inf")
        self._found: tuple[Rank, Beginning] | None = None
        self._steps = 0
        highs = last.highs if last else (0.0,) * len(rules.remaining)
        self._binding = [number for number, left in enumerate(rules.remaining) if left != float("inf")]
        self._start = Beginning((), 0, 0.0, 1.0, 1.0, 0, highs[: len(rules.remaining)], frozenset())

    def best(self) -> Ladder | None:
        """The best ladder; None where no rung may run."""
        if self._last is not None:
            self._found = self._rank(self._start, self._last.cost), self._start
        self._greedy()
        self._improve()
        self._grow(self._start, 0)
        if self._found is None:
            return None
        rungs = in_order(self._found[1].rungs)
        whole = (*rungs, self._last) if self._last else rungs
        chance = 1 - miss_probability(whole)
        return Ladder(whole, chance, expected_cost(whole), proven=self._steps < MOST_STEPS)

    def _greedy(self) -> None:
        """Good ladders to begin with, so that bounds bite early: always the rung after which least is left to miss."""
        now = self._start
        while steps := [self._with(now, number) for number in self._open(now, 0)]:
            now = min(steps, key=lambda step: (step.reached, step.cost))
            self._offer(now)

    def _improve(self) -> None:
        """Replace or leave out one rung of the best ladder so far, as often as that makes it better."""
        for _ in range(MOST_IMPROVEMENTS):
            before = self._found
            if before is None:
                return
            chosen = [number for number in range(len(self._rungs)) if before[1].bits >> number & 1]
            for gone in chosen:
                base = self._start
                for number in chosen:
                    if number != gone:
                        base = self._with(base, number)
                self._offer(base)
                for number in self._open(base, 0):
                    if number != gone:
                        self._offer(self._with(base, number))
            if self._found is before:
                return

    def _grow(self, now: Beginning, start: int) -> None:
        for number in self._open(now, start):
            if self._steps >= MOST_STEPS:
                return
            self._steps += 1
            if not self._promises(now, number):
                return
            step = self._with(now, number)
            self._offer(step)
            self._grow(step, number + 1)

    def _open(self, now: Beginning, start: int) -> Iterator[int]:
        """The rungs from one on that fit attempts and limits beside those on the ladder, and need wait for no other."""
        if now.reached <= 0 or len(now.rungs) >= self._length:
            return
        bits, groups, may_train = now.bits, now.groups, now.trains < self._trains
        for number in range(start, len(self._rungs)):
            if bits >> number & 1 or (self._rungs[number].trains and not may_train):
                continue
            wanted, better = self._better[number]
            if wanted & ~bits and not all(bits >> one & 1 or group in groups for one, group in better):
                continue
            if not self._binding or self._has_room(now, self._rungs[number]):
                yield number

    def _has_room(self, now: Beginning, rung: Rung) -> bool:
        remaining = self._rules.remaining
        return all(now.highs[n] + rung.highs[n] <= remaining[n] for n in self._binding)

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
            tuple(used + high for used, high in zip(now.highs, rung.highs, strict=False)) if self._binding else (),
            now.groups | {rung.group} if alone else now.groups,
        )

    def _promises(self, now: Beginning, start: int) -> bool:
        """Whether something better than what was found may come of this with rungs from `start` on."""
        left, trains = self._length - len(now.rungs), self._trains - now.trains
        best, price = (-self._found[0][0], self._found[0][1]) if self._found else (0.0, float("inf"))
        cost = now.cost + self._bounds.cost(now.apart, best, start, left, trains)
        suffices = best >= self._rules.sufficient - ROUNDING
        if cost > (min(price, self._most_cost) if suffices else self._most_cost) * (1 + ROUNDING):
            return False
        chance = 1 - now.reached * self._bounds.miss(start, left, trains)
        score = min(chance, self._rules.sufficient)
        return score > best + ROUNDING or (score >= best - ROUNDING and cost <= price * (1 + ROUNDING))

    def _offer(self, found: Beginning) -> None:
        last = self._last
        if not self._may_rank(found, found.cost + found.apart * last.cost if last else found.cost):
            return
        cost = found.cost + found.reached * last.cost if last else found.cost
        if len(found.groups) < len(found.rungs):
            cost = expected_cost(in_order(found.rungs)) + (found.reached * last.cost if last else 0.0)
        if last is not None and not cost < most_cost(self._chance(found), last, self._rules):
            return
        rank = self._rank(found, cost)
        if self._found is None or rank < self._found[0]:
            self._found = rank, found

    def _may_rank(self, found: Beginning, cost: float) -> bool:
        """Spares most of the ranking: whether it can be as good as what was found."""
        if self._found is None:
            return True
        best, price = -self._found[0][0], self._found[0][1]
        score = min(self._chance(found), self._rules.sufficient)
        return score > best + ROUNDING or (score >= best - ROUNDING and cost <= price * (1 + ROUNDING))

    def _chance(self, found: Beginning) -> float:
        return 1 - found.reached * (1 - self._last.chance if self._last else 1.0)

    def _rank(self, found: Beginning, cost: float) -> Rank:
        """Likelier first, up to what suffices; then cheaper, shorter, and by name."""
        names = tuple(sorted(rung.name for rung in found.rungs))
        score = round(min(self._chance(found), self._rules.sufficient), 9)
        return -score, float(f"{cost:.9g}"), len(found.rungs), names


def most_cost(chance: float, last: Rung, rules: Rules) -> float:
    """What a ladder of that chance may cost before its last rung alone is the better plan."""
    if rules.by_success and last.chance <= 0:
        return float("inf")
    more = chance / last.chance if rules.by_success else 1.0
    return (1 - rules.minimum_saving) * last.cost * more * (1 + ROUNDING * (rules.minimum_saving > 0))


def _better(ordered: Sequence[Undominated], last: Rung | None) -> list[tuple[int, list[tuple[int, str]]]]:
    """For each rung those that stand on any best ladder with it, unless another one of their base model does.

    As bits, and each with its base model: they dominate it, and none of their base model comes later. Without a last
    rung a likelier one at the same cost makes no ladder cheaper, so it is not waited for.
    """
    numbers = {one.rung.name: number for number, one in enumerate(ordered)}
    ends = {one.rung.group: number for number, one in enumerate(ordered)}
    found = []
    for number, one in enumerate(ordered):
        better = [
            (numbers[other.name], other.group)
            for other in one.by
            if numbers[other.name] < number
            and ends[other.group] <= number
            and (last or other.cost < one.rung.cost or other.chance == one.rung.chance)
        ]
        found.append((sum(1 << before for before, _ in better), better))
    return found
