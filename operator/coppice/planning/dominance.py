"""Dominance: rungs that no best ladder needs, because a better one can always take their place.

A rung i dominates j if it is as cheap, as likely and as small by every limit that binds, and trains only if j does.
Put in j's place, i costs no more there and leaves no more often a later rung to be reached - also where j's base
model has other rungs on the ladder, because a miss of one makes j only less likely - unless i already stands on the
ladder, or is of a base model that has another rung there. A ladder of n rungs holds n - 1 beside j. Each of them can
stand in the way of one dominating rung of j's own base model, or of all those of one other base model. So j can go
once n of those dominate it, and what is left still holds a best ladder (a k-skyband, Papadias et al. 2005, by groups).

Rungs are looked at by cost. Where no limit binds, the chance tells the rest: one is dominated by those that are
likelier, and by too many if it is no likelier than the first n base models.
"""

from bisect import bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import inf
from typing import NamedTuple

from coppice.planning.rung import Rung, by_name


class Undominated(NamedTuple):
    """A rung that a best ladder can need, and those others of them that dominate it."""

    rung: Rung
    by: Sequence[Rung]


def undominated(rungs: Sequence[Rung], binding: Sequence[int], most: int) -> list[Undominated]:
    """The rungs that a best ladder with at most `most` of them can need; `binding` are the limits that can bind."""
    free, everything = _Kept(binding, most), _Kept(binding, most)
    found: list[Undominated] = []
    if not most:
        return found
    # Whatever dominates a rung comes before it, or by name among those with equal figures.
    figures = [
        (one.cost, -one.chance, tuple([one.highs[n] for n in binding]) if binding else (), one.trains) for one in rungs
    ]
    for (_, unlikely, _, trains), same in groupby(
        sorted(range(len(rungs)), key=figures.__getitem__), figures.__getitem__
    ):
        earlier = everything if trains else free
        if unlikely >= earlier.unlikely:
            continue
        for one in by_name([rungs[number] for number in same]):
            by = earlier.dominating(one)
            # So many base models are enough for every rung of these figures to go.
            if len(by) >= most and len({other.group for other in by}) >= most:
                break
            if len(by) >= most and _ways(one, by) >= most:
                continue
            found.append(Undominated(one, by))
            everything.add(one)
            if not trains:
                free.add(one)
    return found


class _Kept:
    """The rungs kept so far, all as cheap as those to come, likeliest first; chances are negative, to be sorted.

    A rung to come that is no likelier than `unlikely` is dominated by enough of them to go. Where limits bind it takes
    more than the chance to say.
    """

    def __init__(self, binding: Sequence[int], most: int) -> None:
        self._binding, self._most = binding, most
        self._chances: list[float] = []
        self._likeliest: list[Rung] = []
        self._groups: dict[str, float] = {}
        self._likeliest_groups: list[float] = []
        self.unlikely = inf

    def add(self, rung: Rung) -> None:
        """One more; what is less likely than `unlikely` need not be remembered."""
        chance = -rung.chance
        place = bisect_right(self._chances, chance)
        self._chances.insert(place, chance)
        self._likeliest.insert(place, rung)
        if self._binding:
            return
        before = self._groups.get(rung.group, inf)
        if chance >= before:
            return
        self._groups[rung.group] = chance
        if before < inf:
            self._likeliest_groups.remove(before)
        insort(self._likeliest_groups, chance)
        if len(self._likeliest_groups) >= self._most:
            self.unlikely = self._likeliest_groups[self._most - 1]
            enough = bisect_right(self._chances, self.unlikely)
            del self._chances[enough:], self._likeliest[enough:]

    def dominating(self, rung: Rung) -> list[Rung]:
        """Those that dominate a rung."""
        by = self._likeliest[: bisect_right(self._chances, -rung.chance)]
        for number in self._binding:
            high = rung.highs[number]
            by = [other for other in by if other.highs[number] <= high]
        return by


def _ways(rung: Rung, by: Sequence[Rung]) -> int:
    """How many others on a ladder it takes to keep all of these out of a rung's place."""
    return len({(True, other.name) if other.group == rung.group else (False, other.group) for other in by})


UNKNOWN = -1
"""Stands for those that a rung waits for before anybody asked."""


class Waits:
    """Which rungs of a search stand on no best ladder without others that dominate them; the rungs are in its order.

    A rung waits for those that dominate it and none of whose base model comes later, unless another rung of theirs is
    there. Without a last rung a likelier one at the same cost makes no ladder cheaper, so it is not waited for.
    """

    def __init__(self, ordered: Sequence[Undominated], last: Rung | None) -> None:
        self._ordered, self._last = ordered, last
        self._numbers = {one.rung.name: number for number, one in enumerate(ordered)}
        groups: dict[str, int] = {}
        for number, one in enumerate(ordered):
            groups[one.rung.group] = groups.get(one.rung.group, 0) | 1 << number
        self.siblings = [groups[one.rung.group] for one in ordered]
        """For each rung the numbers of all those of its base model, as bits."""
        self._bits = [UNKNOWN] * len(ordered)

    def over(self, numbers: Iterable[int], standing: int) -> list[int]:
        """Those that need not wait beside rungs of the base models whose rungs are the bits."""
        missing, bits = ~standing, self._bits
        for number in numbers:
            if bits[number] == UNKNOWN:
                bits[number] = sum(1 << other for other in self._others(number))
        return [number for number in numbers if not bits[number] & missing]

    def _others(self, number: int) -> Iterator[int]:
        """Those that a rung waits for."""
        rung, by = self._ordered[number]
        for other in by:
            before = self._numbers.get(other.name, number)
            no_cheaper = not self._last and other.cost == rung.cost and other.chance > rung.chance
            if before < number and not self.siblings[before] >> number + 1 and not no_cheaper:
                yield before
