"""Dominance: rungs that no best ladder needs, because a better one can always take their place.

A rung i dominates j if it is as cheap, as likely and as small by every limit that binds, and trains only if j does.
Put in j's place, i costs no more there and leaves no more often a later rung to be reached - also where j's base
model has other rungs on the ladder, because a miss of one makes j only less likely - unless i already stands on the
ladder, or is of a base model that has another rung there. A ladder of n rungs holds n - 1 beside j. Each of them can
stand in the way of one dominating rung of j's own base model, or of all those of one other base model. So j can go
once n of those dominate it, and what is left still holds a best ladder (a k-skyband, Papadias et al. 2005, by groups).
"""

from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
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
    for _, same in groupby(sorted(rungs, key=_order), _order):
        for one in _by_name(list(same), most):
            by = _dominating(one, (free, training) if one.trains else (free,), binding, most)
            if by is None:
                break
            insort(training if one.trains else free, (-one.chance, one.name, one))
            found.append(Undominated(one, by))
    return found


def _by_name(same: Sequence[Rung], most: int) -> Iterable[Rung]:
    """Rungs of equal figures with their first twins: what is enough for one to go is enough for those after it."""
    if len(same) == 1:
        return same[0].each() if same[0].twins else same
    return sorted((one for rung in same for one in islice(rung.each(), most)), key=lambda one: one.name)


def _dominating(rung: Rung, earlier: Iterable[_Kept], binding: Sequence[int], most: int) -> tuple[Rung, ...] | None:
    """Those of earlier rungs, all as cheap, that dominate; None where they are enough for it to go."""
    by: list[Rung] = []
    ways: set[tuple[bool, str]] = set()
    for kept in earlier:
        for other in _before(rung, kept, binding):
            own = other.group == rung.group
            ways.add((own, other.name if own else other.group))
            if len(ways) >= most:
                return None
            by.append(other)
    return tuple(by) if most else None


def _order(rung: Rung) -> tuple[float, float, tuple[float, ...], bool]:
    """Whatever dominates a rung comes before it, or by name among equal ones."""
    return rung.cost, -rung.chance, rung.highs, rung.trains


def _before(rung: Rung, earlier: _Kept, binding: Sequence[int]) -> Iterator[Rung]:
    """Those of earlier rungs, all as cheap, that dominate."""
    for _, _, other in earlier:
        if other.chance < rung.chance:
            return
        if all(other.highs[number] <= rung.highs[number] for number in binding):
            yield other
