"""Rungs of one base model fail together: what a miss of one says about the others.

A base model suits the task with probability s, or not. If it does, its rungs succeed independently with p / s; if it
does not, none does. Each rung's own chance stays p, and

    P(all of a set miss) = 1 - s + s x product of (1 - p / s)

depends on the set alone, not on its order: it is a proper joint distribution. With s = 1 rungs are independent, with
s = the largest p a miss of the likeliest rung sinks them all; FAILING_TOGETHER says how close to the latter.
"""

from collections.abc import Iterable, Mapping
from math import prod

FAILING_TOGETHER = 0.75
"""Share of the likeliest rung's failures that are the base model's fault; assumed."""
CHANCE_DIGITS, SUITED_DIGITS = 3, 4
"""Significant digits that a record shows, and that ladders are compared by."""


def suitability(chances: Iterable[float]) -> float:
    """Probability that a base model suits the task, from the chances of all its rungs."""
    return 1 - FAILING_TOGETHER * (1 - max(chances))


def all_miss(suited: float, chances: Iterable[float]) -> float:
    """Probability that every rung of a set of one base model misses."""
    return 1 - suited + suited * prod(1 - chance / suited for chance in chances)


def after_misses(chances: Mapping[str, float], missed: Iterable[str]) -> tuple[float, dict[str, float]]:
    """Suitability and chances of one base model's rungs, by name, once some of them have missed."""
    suited = suitability(chances.values())
    gone = [chances[name] for name in missed if name in chances]
    if not gone:
        return suited, dict(chances)
    left = suited * prod(1 - chance / suited for chance in gone) / all_miss(suited, gone)
    return left, {name: left * chance / suited for name, chance in chances.items()}
