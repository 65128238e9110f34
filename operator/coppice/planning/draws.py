"""Draws without dice: a fixed lattice of points, so that equal inputs give equal percentiles.

A Korobov lattice: point n has coordinates frac(n a^i / N). Every coordinate takes each of its N - 1 values once, so
the normal deviates of each axis are exactly balanced; the multiplier was chosen by the smallest correlation between
any two of sixteen axes (0.12).
"""

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

POINTS = 257
"""A prime; percentiles move by a few percent with more points, and each decision pays for them."""
MULTIPLIER = 161
MAX_DIMENSIONS = 32


@cache
def normal_draws(dimensions: int) -> tuple[tuple[float, ...], ...]:
    """POINTS - 1 points of standard normal deviates. Raises ValueError above MAX_DIMENSIONS."""
    if dimensions > MAX_DIMENSIONS:
        raise ValueError(f"{dimensions} dimensions are more than the lattice was made for")
    quantile = NormalDist().inv_cdf
    deviates = [0.0, *(quantile(number / POINTS) for number in range(1, POINTS))]
    steps = [pow(MULTIPLIER, axis, POINTS) for axis in range(dimensions)]
    return tuple(tuple(deviates[number * step % POINTS] for step in steps) for number in range(1, POINTS))


def weighted_percentiles(values: Sequence[tuple[float, float]], shares: Sequence[float]) -> list[float]:
    """The values below which those shares (ascending) of the weight lie; values are (value, weight) pairs."""
    ordered = sorted(values)
    whole = sum(weight for _, weight in ordered)
    found: list[float] = []
    passed = 0.0
    for value, weight in ordered:
        passed += weight
        while len(found) < len(shares) and passed >= shares[len(found)] * whole:
            found.append(value)
    return found + [ordered[-1][0]] * (len(shares) - len(found))
