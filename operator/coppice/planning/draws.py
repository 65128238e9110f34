"""Draws without dice: a fixed lattice of points, so that equal inputs give equal percentiles.

A Korobov lattice: point n has coordinates frac(n a^i / N). Every coordinate takes each of its N - 1 values once, so
the normal deviates of each axis are exactly balanced; the multiplier was chosen by the smallest correlation between
any two of sixteen axes (0.12).
"""

from bisect import bisect_left
from collections.abc import Iterable
from functools import cache, lru_cache
from math import exp
from statistics import NormalDist

from coppice.planning.column import Figures, ascending, column, running_sums

POINTS = 257
"""A prime; percentiles move by a few percent with more points, and each decision pays for them."""
DRAWS = POINTS - 1
MULTIPLIER = 161
MAX_DIMENSIONS = 32
KEPT_AXES = 256

Axis = tuple[float, ...]
"""One coordinate of every point, in the order of the points."""
Factor = tuple[int, float]
"""An uncertain factor of median 1: the number of its axis, and its sigma."""


@cache
def normal_axis(number: int) -> Axis:
    """Standard normal deviates. Raises ValueError for axes beyond MAX_DIMENSIONS."""
    if number >= MAX_DIMENSIONS:
        raise ValueError(f"the lattice was made for {MAX_DIMENSIONS} dimensions")
    quantile, step = NormalDist().inv_cdf, pow(MULTIPLIER, number, POINTS)
    return tuple(quantile(point * step % POINTS / POINTS) for point in range(1, POINTS))


@lru_cache(maxsize=KEPT_AXES)
def log_normal_axis(number: int, sigma: float) -> Figures:
    """Factors of median 1, in a column: the same few spreads are drawn in every decision."""
    return column(exp(sigma * deviate) for deviate in normal_axis(number))


@lru_cache(maxsize=KEPT_AXES)
def log_normal_product(one: Factor, other: Factor) -> Figures:
    """The product of two independent factors."""
    (axis, sigma), (other_axis, other_sigma) = one, other
    pairs = zip(normal_axis(axis), normal_axis(other_axis), strict=True)
    return column(exp(sigma * deviate + other_sigma * other_deviate) for deviate, other_deviate in pairs)


def weighted_percentiles(values: Figures, weights: Figures, shares: Iterable[float]) -> list[float]:
    """The values below which those shares of the weight lie."""
    order = ascending(values)
    passed, last = running_sums(weights[order]), len(values) - 1
    return [float(values[order[min(bisect_left(passed, share * passed[-1]), last)]]) for share in shares]
