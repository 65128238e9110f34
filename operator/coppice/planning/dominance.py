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

from bisect import insort
from collections.abc import Collection, Iterator, Sequence
from heapq import merge
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from coppice.planning.rung import Rung

NO_CHANCE = -1.0


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
    for same in _by_figures(rungs, binding):
        earlier = everything if same[0].trains else free
        if same[0].chance <= earlier.enough:
            continue
        for one in _by_name(same):
            by = earlier.dominating(one)
            if by is None:
                break
            found.append(Undominated(one, by))
            everything.add(one)
            if not one.trains:
                free.add(one)
    return found


def _by_figures(rungs: Sequence[Rung], binding: Sequence[int]) -> Iterator[list[Rung]]:
    """Those with equal figures together, so that whatever dominates a rung comes before it, or by name among them."""
    figures = [
        (rung.cost, -rung.chance, tuple([rung.highs[number] for number in binding]), rung.trains) for rung in rungs
    ]
    for _, same in groupby(sorted(range(len(rungs)), key=figures.__getitem__), figures.__getitem__):
        yield [rungs[number] for number in same]


def _by_name(same: Sequence[Rung]) -> Iterator[Rung]:
    """Rungs and their twins one by one: what is enough for one to go is enough for those after it."""
    return same[0].each() if len(same) == 1 else merge(*(rung.each() for rung in same), key=attrgetter("name"))


class _Kept:
    """The rungs kept so far, all as cheap as those to come, likeliest first.

    A rung to come that is no likelier than `enough` is dominated by enough of them to go. Where limits bind it takes
    more than the chance to say.
    """

    def __init__(self, binding: Sequence[int], most: int) -> None:
        self._binding, self._most = binding, most
        self._likeliest: list[tuple[float, str, Rung]] = []
        self.enough = NO_CHANCE

    def add(self, rung: Rung) -> None:
        """One more; what is less likely than `enough` need not be remembered."""
        insort(self._likeliest, (-rung.chance, rung.name, rung))
        if self._binding:
            return
        groups: set[str] = set()
        for number, (_, _, other) in enumerate(self._likeliest):
            groups.add(other.group)
            if len(groups) >= self._most:
                self.enough = other.chance
                del self._likeliest[number + 1 :]
                return

    def dominating(self, rung: Rung) -> list[Rung] | None:
        """Those that dominate a rung; None where they are enough for it to go."""
        unlikely, group = -rung.chance, rung.group
        by = [other for misses, _, other in self._likeliest if misses <= unlikely]
        if self._binding:
            by = [other for other in by if all(other.highs[number] <= rung.highs[number] for number in self._binding)]
        if len(by) < self._most:
            return by
        ways = {(True, other.name) if other.group == group else (False, other.group) for other in by}
        return by if len(ways) < self._most else None


class Waits:
    """Which rungs of a search stand on no best ladder without others that dominate them; the rungs are in its order.

    A rung waits for those that dominate it and none of whose base model comes later, unless another rung of theirs is
    there. Without a last rung a likelier one at the same cost makes no ladder cheaper, so it is not waited for.
    """

    def __init__(self, ordered: Sequence[Undominated], last: Rung | None) -> None:
        self._ordered, self._last = ordered, last
        self._numbers = {one.rung.name: number for number, one in enumerate(ordered)}
        self._ends = {one.rung.group: number for number, one in enumerate(ordered)}
        self._known: dict[int, list[tuple[int, str]]] = {}

    def holds(self, number: int, bits: int, groups: Collection[str]) -> bool:
        """Whether a rung must wait beside those whose numbers are the bits, of those base models."""
        others = self._known.get(number)
        if others is None:
            others = self._known[number] = list(self._others(number))
        return not all(bits >> other & 1 or group in groups for other, group in others)

    def _others(self, number: int) -> Iterator[tuple[int, str]]:
        rung, by = self._ordered[number]
        for other in by:
            before = self._numbers[other.name]
            no_cheaper = not self._last and other.cost == rung.cost and other.chance > rung.chance
            if before < number and self._ends[other.group] <= number and not no_cheaper:
                yield before, other.group
