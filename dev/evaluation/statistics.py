"""Errors as they are quoted: relative, by median and 90th percentile; coverage with its binomial interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

import numpy as np

NORMAL_95 = 1.959964
NORMAL_80 = 1.2815515655446004
"""Half-widths of the central 95 and 80 % of a standard normal."""


@dataclass(frozen=True)
class Errors:
    """Relative errors of expected against published, as shares, and how many there are."""

    count: int
    median: float
    ninetieth: float


def errors(logarithms: Sequence[float]) -> Errors:
    """From logarithms of expected over published: |expected / published - 1|."""
    relative = [abs(exp(each) - 1) for each in logarithms]
    return Errors(len(relative), float(np.median(relative)), float(np.quantile(relative, 0.9)))


@dataclass(frozen=True)
class Coverage:
    """How many of so many intervals held the published value, and the 95 % interval of that share."""

    inside: int
    count: int
    low: float
    high: float


def coverage(logarithms: Sequence[float], sigmas: Sequence[float]) -> Coverage:
    """Of 80 % intervals, each with its sigma."""
    pairs = zip(logarithms, sigmas, strict=True)
    inside = sum(abs(each) <= NORMAL_80 * sigma for each, sigma in pairs)
    return wilson(inside, len(logarithms))


def wilson(inside: int, count: int) -> Coverage:
    """95 % interval of a share (Wilson 1927): within 0 and 1, also for few rows. Raises ValueError without any."""
    if not count:
        raise ValueError("no rows, no share")
    share, square = inside / count, NORMAL_95**2
    middle = (share + square / (2 * count)) / (1 + square / count)
    half = NORMAL_95 * sqrt(share * (1 - share) / count + square / (4 * count**2)) / (1 + square / count)
    return Coverage(inside, count, max(middle - half, 0.0), min(middle + half, 1.0))


def calibrated_sigma(logarithms: Sequence[float]) -> float:
    """The sigma whose 80 % intervals hold 80 % of the rows."""
    return float(np.quantile(np.abs(logarithms), 0.8)) / NORMAL_80
