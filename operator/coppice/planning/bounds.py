"""Bounds on what a ladder can become: no likelier, and no cheaper, than these say.

Rungs are taken in the order of their price, cost per chance. A rung after others of its own base model is less likely
than alone, so a ladder looks better than it is where rungs are taken to fail independently; then the order of price is
the cheapest one. From a rung on,

    miss            the rungs that are left miss no less often than the most telling of them: so many that train, the
                    others not; of a base model without a rung on the ladder the first counts whole, the next ones as
                    after it; of one that missed, each as after those misses
    cost            V(i, 0) = the last rung's cost, V(i, n) = min(V(i + 1, n), cost + (1 - chance) V(i + 1, n - 1))
    cost_of_chance  to bring the probability of missing from r to t, each rung that is left takes away r x chance at
                    most, at its price; the cheapest of them do it
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
        self._telling = {kind: self._numbers(kind) for kind in (True, False)}
        self._members: dict[str, list[int]] = {}
        for number, rung in enumerate(rungs):
            self._members.setdefault(rung.group, []).append(number)
        self._masks = {group: sum(1 << number for number in numbers) for group, numbers in self._members.items()}
        self._after: dict[int, list[tuple[int, bool, float]]] = {}

    def miss(self, bits: int, groups: frozenset[str], start: int, left: int, trains: int) -> float:
        """Least probability that `left` rungs from `start` on, so many of which train, and the last one all miss."""
        training = self._least(True, bits, groups, start, min(trains, left))
        free = self._least(False, bits, groups, start, left)
        pairs = ((count, min(left - count, len(free) - 1)) for count in range(len(training)))
        return min(training[count] * free[rest] for count, rest in pairs) * self._last_misses

    def cost(self, start: int, left: int) -> float:
        """Least cost of going on to the end with at most `left` rungs from `start` on, once reached."""
        return self._going_on[start][left]

    def cost_of_chance(self, reached: float, chance: float, start: int) -> float:
        """Least cost of going on from that probability of being reached, if the ladder is to be so likely."""
        enough = (1 - chance) / self._last_misses if self._last_misses > 0 else reached
        missing = max(reached - enough, 0.0)
        cost = 0.0
        for number in range(start, len(self._rungs)):
            if missing <= 0:
                break
            rung = self._rungs[number]
            taken = min(missing, reached * rung.chance)
            cost += taken * rung.price
            missing -= taken
        if self._last_cost is None:
            return cost
        cheapest = self._rungs[start].price if start < len(self._rungs) else self._last_cost
        return cost + min(enough, reached) * min(self._last_cost, cheapest)

    def _numbers(self, kind: bool) -> list[int]:
        """The rungs that train, or those that do not, the likeliest first."""
        numbers = (number for number, rung in enumerate(self._rungs) if rung.trains is kind)
        return sorted(numbers, key=lambda number: -self._rungs[number].chance)

    def _least(self, kind: bool, bits: int, groups: frozenset[str], start: int, most: int) -> list[float]:
        """For 0 to `most` rungs of a kind the least probability that all miss."""
        found: list[float] = []
        for group in groups:
            after = self._after_misses(group, bits & self._masks[group])
            found += [factor for number, trains, factor in after if trains is kind and number >= start]
        firsts = 0
        seen: dict[str, list[float]] = {}
        for number in self._telling[kind]:
            if firsts >= most:
                break
            rung = self._rungs[number]
            if number < start or rung.group in groups:
                continue
            before = seen.setdefault(rung.group, [])
            if before:
                missed = all_miss(rung.suited, before)
                found.append(all_miss(rung.suited, [*before, rung.chance]) / missed if missed > 0 else 1.0)
            else:
                found.append(1 - rung.chance)
                firsts += 1
            before.append(rung.chance)
        found.sort()
        least = [1.0]
        for factor in found[:most]:
            least.append(least[-1] * factor)
        return least

    def _after_misses(self, group: str, bits: int) -> list[tuple[int, bool, float]]:
        """Of a base model some of whose rungs missed, the others with the factors by which they tell."""
        known = self._after.get(bits)
        if known is None:
            members = self._members[group]
            missed = [self._rungs[number].chance for number in members if bits >> number & 1]
            suited = self._rungs[members[0]].suited
            before = all_miss(suited, missed)
            known = self._after[bits] = []
            for number in members:
                if not bits >> number & 1:
                    after = all_miss(suited, [*missed, self._rungs[number].chance])
                    known.append((number, self._rungs[number].trains, after / before if before > 0 else 1.0))
        return known


def _going_on(rungs: Sequence[Rung], last: Rung | None, most: int) -> list[list[float]]:
    """V: from each rung on, for each count of further rungs, the least cost of going on to the end once reached."""
    ending = last.cost if last else 0.0
    table = [[ending] * (most + 1)]
    for rung in reversed(rungs):
        after = table[-1]
        goes_on = (min(after[n], rung.cost + (1 - rung.chance) * after[n - 1]) for n in range(1, most + 1))
        table.append([ending, *goes_on])
    return table[::-1]
