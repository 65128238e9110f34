"""Few attempts train: of the rungs that do, those that a best ladder can still need.

Dominance (see `dominance`) asks for as many better rungs as a ladder is long, because a rung that only evaluates can
stand in the way of a better one: after it, another rung of its base model is less likely. A rung that is likelier than
j even after all those of its base model have missed is better whatever of them stands on the ladder. Only rungs that
train can stand in its way: it, or others of its base model. Beside j there are no more of these than attempts but one,
so j can go once as many base models as there are attempts have such a rung.
"""

from bisect import insort
from collections.abc import Mapping, Sequence

from coppice.planning.dominance import Undominated
from coppice.planning.rung import Rung
from coppice.planning.together import all_miss


def worth_an_attempt(kept: Sequence[Undominated], last: Rung | None, attempts: int) -> list[Undominated]:
    """The rungs that a best ladder can need where no limit binds; cheapest first, as `undominated` gives them.

    Without a last rung a likelier one at the same cost makes no ladder cheaper, so it takes no other's place.
    """
    evaluating: dict[str, list[float]] = {}
    for rung, _ in kept:
        if not rung.trains:
            evaluating.setdefault(rung.group, []).append(rung.chance)
    surest: list[tuple[float, str, Rung]] = []
    found = []
    for one in kept:
        rung = one.rung
        if rung.trains:
            if _better_groups(rung, surest, last, attempts) >= attempts:
                continue
            insort(surest, (-_at_least(rung, evaluating), rung.name, rung))
        found.append(one)
    return found


def _at_least(rung: Rung, evaluating: Mapping[str, Sequence[float]]) -> float:
    """The chance of a rung after those of its base model that only evaluate have missed."""
    others = evaluating.get(rung.group)
    if not others:
        return rung.chance
    missed = all_miss(rung.suited, others)
    return 1 - all_miss(rung.suited, [*others, rung.chance]) / missed if missed > 0 else 0.0


def _better_groups(rung: Rung, surest: Sequence[tuple[float, str, Rung]], last: Rung | None, enough: int) -> int:
    """How many other base models have a rung that is better at any rate, up to what is enough."""
    groups: set[str] = set()
    for unlikely, _, other in surest:
        if -unlikely < rung.chance or len(groups) >= enough:
            break
        cheaper = last is not None or other.cost < rung.cost or other.chance == rung.chance
        if cheaper and other.group != rung.group:
            groups.add(other.group)
    return len(groups)
