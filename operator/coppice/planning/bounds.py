"""Bounds on what can follow the beginning of a ladder: it cannot become likelier, or cheaper, than these say.

A rung after others of its own base model is less likely than alone, so a ladder looks better than it is where rungs
are taken to fail independently:

    miss            no further rungs miss less often than the most telling ones that are left: so many that train, the
                    others not; of a base model without a rung on the ladder the first counts whole, the next ones as
                    after it; of one that missed, each as after those misses
    cost            V(0) = the last rung's cost, V(n) = min(V(n-1), min over rungs of cost + (1 - chance) V(n-1))
    cost_of_chance  to bring the probability of missing from r to t, rungs that are left take away r x chance each at
                    most, at their cost per chance; the cheapest of them do it
"""

from collections.abc import Sequence

from coppice.planning.rung import Rung
from coppice.planning.together import all_miss


class Bounds:
    """The bounds of one search over rungs in the order of their price; `most` can stand before the last one."""

    def __init__(self, rungs: Sequence[Rung], last: Rung | None, most: int) -> None:
        self._rungs = rungs
        self._last_cost = last.cost if last else None
        self._last_misses = 1 - last.chance if last else 1.0
        self._going_on = _going_on(rungs, last, most)
        self._factors = _factors(rungs)
        self._telling = {kind: sorted(self._numbers(kind), key=self._factors.__getitem__) for kind in (True, False)}
        self._members: dict[str, list[int]] = {}
        for number, rung in enumerate(rungs):
            self._members.setdefault(rung.group, []).append(number)
        self._masks = {group: sum(1 << number for number in numbers) for group, numbers in self._members.items()}
        self._after: dict[int, tuple[list[float], list[float]]] = {}

    def miss(self, bits: int, groups: frozenset[str], left: int, trains: int) -> float:
        """Least probability that `left` further rungs, so many of which train, all miss; the last one too."""
        training = self._least(True, bits, groups, min(trains, left))
        free = self._least(False, bits, groups, left)
        least = 1.0
        for count in range(len(training)):
            rest = min(left - count, len(free) - 1)
            least = min(least, training[count] * free[rest])
        return least * self._last_misses

    def cost(self, cost: float, reached: float, left: int) -> float:
        """Least cost of the whole ladder with at most `left` further rungs."""
        return cost + reached * self._going_on[left]

    def cost_of_chance(self, bits: int, cost: float, reached: float, chance: float) -> float:
        """Least cost of the whole ladder if it is to be so likely."""
        enough = (1 - chance) / self._last_misses if self._last_misses > 0 else reached
        missing = max(reached - enough, 0.0)
        rest = min(enough, reached)
        whole = cost
        for number, rung in enumerate(self._rungs):
            if bits >> number & 1:
                continue
            if missing <= 0:
                break
            taken = min(missing, reached * rung.chance)
            whole += taken * rung.price
            missing -= taken
        return whole + (rest * min(self._last_cost, self._cheapest(bits)) if self._last_cost is not None else 0.0)

    def _cheapest(self, bits: int) -> float:
        return next((rung.price for number, rung in enumerate(self._rungs) if not bits >> number & 1), float("inf"))

    def _numbers(self, kind: bool) -> list[int]:
        return [number for number, rung in enumerate(self._rungs) if rung.trains is kind]

    def _least(self, kind: bool, bits: int, groups: frozenset[str], most: int) -> list[float]:
        """For 0 to `most` further rungs of a kind the least probability that all miss."""
        found: list[float] = []
        for group in groups:
            found += self._after_misses(group, bits & self._masks[group])[kind]
        untouched = 0
        for number in self._telling[kind]:
            if untouched >= most:
                break
            if self._rungs[number].group not in groups:
                found.append(self._factors[number])
                untouched += 1
        found.sort()
        least = [1.0]
        for factor in found[:most]:
            least.append(least[-1] * factor)
        return least

    def _after_misses(self, group: str, bits: int) -> tuple[list[float], list[float]]:
        """Of a base model some of whose rungs missed, the factors of the others: those that do not train, that do."""
        known = self._after.get(bits)
        if known is None:
            members = self._members[group]
            missed = [self._rungs[number].chance for number in members if bits >> number & 1]
            suited = self._rungs[members[0]].suited
            before = all_miss(suited, missed)
            known = self._after[bits] = [], []
            for number in members:
                if not bits >> number & 1:
                    after = all_miss(suited, [*missed, self._rungs[number].chance])
                    known[self._rungs[number].trains].append(after / before if before > 0 else 1.0)
        return known


def _factors(rungs: Sequence[Rung]) -> list[float]:
    """For each rung the factor by which it lowers the probability of missing, likelier ones of its model before it."""
    groups: dict[tuple[str, bool], list[int]] = {}
    for number, rung in enumerate(rungs):
        groups.setdefault((rung.group, rung.trains), []).append(number)
    factors = [1.0] * len(rungs)
    for group in groups.values():
        group.sort(key=lambda number: -rungs[number].chance)
        chances = [rungs[number].chance for number in group]
        before = 1.0
        for count, number in enumerate(group, start=1):
            after = all_miss(rungs[number].suited, chances[:count])
            factors[number] = after / before if before > 0 else 1.0
            before = after
    return factors


def _going_on(rungs: Sequence[Rung], last: Rung | None, most: int) -> list[float]:
    """V: for each count of further rungs the least cost of going on to the end, once reached."""
    least = [last.cost if last else 0.0]
    for _ in range(most):
        goes_on = (rung.cost + (1 - rung.chance) * least[-1] for rung in rungs)
        least.append(min(least[-1], min(goes_on, default=least[-1])))
    return least
