"""Dominance: rungs that no best ladder needs, because a better one can always take their place.

A rung i dominates j if it is as cheap, as likely and as small by every limit that binds, and trains only if j does.
Put in j's place, i costs no more there and leaves no more often a later rung to be reached - also where j's base
model has other rungs on the ladder, because a miss of one makes j only less likely - unless i already stands on the
ladder, or is of a base model that has another rung there. A ladder of n rungs holds n - 1 beside j. Each of them can
stand in the way of one dominating rung of j's own base model, or of all those of one other base model. So j can go
once n of those dominate it, and what is left still holds a best ladder (a k-skyband, Papadias et al. 2005, by groups).
"""

from bisect import insort
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf

from coppice.planning.rung import Rung


@dataclass(frozen=True, slots=True)
class Undominated:
    """A rung that a best ladder can need, and those others of them that dominate it."""

    rung: Rung
    by: tuple[Rung, ...]


_Kept = list[tuple[float, str, Rung]]
"""Likeliest first: whatever dominates a rung is among the first of these."""


def undominated(rungs: Iterable[Rung], remaining: Sequence[float], most: int) -> list[Undominated]:
    """The rungs that a best ladder with at most `most` of them can need; `remaining` is what each limit leaves."""
    binding = [number for number, left in enumerate(remaining) if left != inf]
    free: _Kept = []
    training: _Kept = []
    found: list[Undominated] = []
    for rung in sorted(_few_twins(rungs, most), key=_order):
        by: list[Rung] = []
        ways: set[tuple[bool, str]] = set()
        for earlier in (free, training) if rung.trains else (free,):
            for other in _before(rung, earlier, binding):
                if len(ways) >= most:
                    break
                own = other.group == rung.group
                ways.add((own, other.name if own else other.group))
                by.append(other)
        if len(ways) < most:
            insort(training if rung.trains else free, (-rung.chance, rung.name, rung))
            found.append(Undominated(rung, tuple(by)))
    return found


def _few_twins(rungs: Iterable[Rung], most: int) -> Iterator[Rung]:
    """Of rungs that differ in name and base model alone, the first by name: they are each other's best replacement."""
    seen: dict[Hashable, set[str]] = {}
    for rung in sorted(rungs, key=lambda rung: rung.name):
        groups = seen.setdefault((rung.cost, rung.chance, rung.highs, rung.trains), set())
        if len(groups) < most:
            groups.add(rung.group)
            yield rung


def _order(rung: Rung) -> tuple[float, float, tuple[float, ...], bool, str]:
    """Whatever dominates a rung comes before it."""
    return rung.cost, -rung.chance, rung.highs, rung.trains, rung.name


def _before(rung: Rung, earlier: _Kept, binding: Sequence[int]) -> Iterator[Rung]:
    """Those of earlier rungs, all as cheap, that dominate."""
    for _, _, other in earlier:
        if other.chance < rung.chance:
            return
        if all(other.highs[number] <= rung.highs[number] for number in binding):
            yield other
