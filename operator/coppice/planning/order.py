"""The cheapest order of a set of rungs: by price where none share a base model, else found step by step.

Rungs whose base model stands once on the ladder keep the order of price among themselves whatever lies between, as what
comes before one scales all the rest. So a beginning is so many of these and a subset of the others (Held and Karp
1962): a few dozen beginnings instead of every subset.
"""

from collections import Counter
from collections.abc import Sequence

from coppice.planning.rung import Rung, miss_probability

_Way = tuple[float, tuple[int, ...]]


def in_order(rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The cheapest order of a set, equal ones by price and name."""
    ordered = sorted(rungs, key=lambda rung: (rung.price, rung.name))
    counted = Counter(rung.group for rung in ordered)
    shared = [number for number, rung in enumerate(ordered) if counted[rung.group] > 1]
    if not shared:
        return tuple(ordered)
    single = [number for number, rung in enumerate(ordered) if counted[rung.group] == 1]
    return tuple(ordered[number] for number in _cheapest(ordered, single, shared))


def _cheapest(rungs: Sequence[Rung], single: Sequence[int], shared: Sequence[int]) -> tuple[int, ...]:
    """Numbers in the cheapest order; what lies before one is so many of the single ones and some of the shared."""
    apart = [1.0]
    for number in single:
        apart.append(apart[-1] * (1 - rungs[number].chance))
    together = [
        miss_probability(rungs[number] for place, number in enumerate(shared) if bits >> place & 1)
        for bits in range(1 << len(shared))
    ]
    best: dict[tuple[int, int], _Way] = {(0, 0): (0.0, ())}
    for bits, missed in enumerate(together):
        for count in range(len(single) + 1):
            if (count, bits) == (0, 0):
                continue
            options = []
            if count:
                options.append(_then(best[count - 1, bits], apart[count - 1] * missed, single[count - 1], rungs))
            for place, number in enumerate(shared):
                if bits >> place & 1:
                    before = bits ^ 1 << place
                    options.append(_then(best[count, before], apart[count] * together[before], number, rungs))
            best[count, bits] = min(options)
    return best[len(single), len(together) - 1][1]


def _then(way: _Way, reached: float, number: int, rungs: Sequence[Rung]) -> _Way:
    """A beginning with one more rung; costs to the digits in which sums do not round."""
    return float(f"{way[0] + reached * rungs[number].cost:.12g}"), (*way[1], number)
