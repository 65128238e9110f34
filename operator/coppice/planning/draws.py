"""Draws without dice: a fixed low-discrepancy sequence, so that equal inputs give equal percentiles.

Roberts' R sequence: point n has coordinates frac(1/2 + n g^-i), where g is the root of x^(d+1) = x + 1. It fills the
unit cube evenly in any number of dimensions, and a normal quantile turns coordinates into normal deviates.
"""

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

DRAWS = 512


@cache
def normal_draws(dimensions: int) -> tuple[tuple[float, ...], ...]:
    """DRAWS points of independent standard normal deviates."""
    growth = _root(dimensions)
    steps = [growth ** -(axis + 1) for axis in range(dimensions)]
    quantile = NormalDist().inv_cdf
    return tuple(
        tuple(quantile(min(max((0.5 + number * step) % 1.0, 1e-9), 1 - 1e-9)) for step in steps)
        for number in range(1, DRAWS + 1)
    )


def weighted_percentile(values: Sequence[tuple[float, float]], share: float) -> float:
    """The value below which that share of the weight lies; values are (value, weight) pairs in any order."""
    ordered = sorted(values)
    wanted = share * sum(weight for _, weight in ordered)
    passed = 0.0
    for value, weight in ordered:
        passed += weight
        if passed >= wanted:
            return value
    return ordered[-1][0]


def _root(dimensions: int) -> float:
    growth = 1.5
    for _ in range(64):
        growth = (1 + growth) ** (1 / (dimensions + 1))
    return growth
