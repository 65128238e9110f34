"""Dominance: rungs that no best ladder needs, because a better one can always take their place.

A rung i dominates j if it is as cheap, as likely and as small by every limit that binds, and trains only if j does.
Put in j's place, i costs no more there and leaves no more often a later rung to be reached - also where j's base
model has other rungs on the ladder, because a miss of one makes j only less likely - unless i already stands on the
ladder, or is of a base model that has another rung there. A ladder of n rungs holds n - 1 beside j. Each of them can
stand in the way of one dominating rung of j's own base model, or of all those of one other base model. So j can go
once n of those dominate it, and what is left still holds a best ladder (a k-skyband, Papadias et al. 2005, by groups).
"""

from collections.abc import Iterable, Sequence
from math import inf

from coppice.planning.rung import Rung


def undominated(rungs: Iterable[Rung], remaining: Sequence[float], most: int) -> list[Rung]:
    """The rungs that a best ladder with at most `most` of them can need; `remaining` is what each limit leaves."""
    binding = [number for number, left in enumerate(remaining) if left != inf]
    kept: list[Rung] = []
    for rung in sorted(rungs, key=_order):
        if _in_the_way(rung, kept, binding, most) < most:
            kept.append(rung)
    return kept


def _order(rung: Rung) -> tuple[float, float, tuple[float, ...], bool, str]:
    """Whatever dominates a rung comes before it."""
    return rung.cost, -rung.chance, rung.highs, rung.trains, rung.name


def _in_the_way(rung: Rung, earlier: Iterable[Rung], binding: Sequence[int], most: int) -> int:
    """Rungs of the same base model, and other base models, that dominate; counted up to `most`."""
    found: set[str] = set()
    for other in earlier:
        if other.chance >= rung.chance and _as_small(other, rung, binding):
            found.add(f"rung {other.name}" if other.group == rung.group else f"group {other.group}")
            if len(found) >= most:
                break
    return len(found)


def _as_small(other: Rung, rung: Rung, binding: Sequence[int]) -> bool:
    if other.trains and not rung.trains:
        return False
    return all(other.highs[number] <= rung.highs[number] for number in binding)
