"""Quantities that are not known exactly: log-normal, because durations and energies are products of uncertain factors.

A log-normal cannot fall below 0, and a product of two is one again. Sums are not; they are matched by their mean and
variance (Fenton 1960), which is within a percent or two for the two terms that carbon has.
"""

from typing import NamedTuple

from coppice.api.base import Interval, rounded
from coppice.planning.column import any_of, exp, expm1, is_column, log, log1p, sqrt, where

TENTH_PERCENTILE = -1.2815515655446004
"""Standard normal quantile of 0.1; the 90th percentile is its negative."""


class LogNormal(NamedTuple):
    """A quantity by its median and the standard deviation of its logarithm."""

    median: float
    sigma: float = 0.0

    @property
    def mean(self) -> float:
        """What is expected."""
        return self.median * exp(self.sigma**2 / 2)

    @property
    def low(self) -> float:
        """10th percentile."""
        return self.median * exp(TENTH_PERCENTILE * self.sigma)

    @property
    def high(self) -> float:
        """90th percentile."""
        return self.median * exp(-TENTH_PERCENTILE * self.sigma)

    def times(self, factor: float, sigma: float = 0.0) -> "LogNormal":
        """The product with an independent factor of that median and sigma."""
        return LogNormal(self.median * factor, sqrt(self.sigma**2 + sigma**2))

    def interval(self) -> Interval:
        """The three points that the API shows, to four significant digits."""
        return Interval(low=rounded(self.low), mid=rounded(self.median), high=rounded(self.high))


def total(one: LogNormal, other: LogNormal, shared_sigma: float) -> LogNormal:
    """The sum of two quantities whose logarithms share a component of that standard deviation."""
    if is_column(one.median) or is_column(other.median):
        return _totals(one, other, shared_sigma)
    if one.median <= 0 or other.median <= 0:
        return one if other.median <= 0 else other
    return _sum(one, other, shared_sigma)


def _totals(one: LogNormal, other: LogNormal, shared_sigma: float) -> LogNormal:
    """The same of columns, in which some may be nothing."""
    nothing, none = other.median <= 0, one.median <= 0
    if not any_of(nothing) and not any_of(none):
        return _sum(one, other, shared_sigma)
    first = LogNormal(where(none, 1.0, one.median), one.sigma)
    both = _sum(first, LogNormal(where(nothing, 1.0, other.median), other.sigma), shared_sigma)
    alone = where(nothing, one.median, other.median), where(nothing, one.sigma, other.sigma)
    return LogNormal(*(where(nothing | none, single, added) for single, added in zip(alone, both, strict=True)))


def _sum(one: LogNormal, other: LogNormal, shared_sigma: float) -> LogNormal:
    mean, other_mean = one.mean, other.mean
    means = mean + other_mean
    variance = mean**2 * expm1(one.sigma**2) + other_mean**2 * expm1(other.sigma**2)
    variance += 2 * mean * other_mean * expm1(shared_sigma**2)
    spread = log1p(variance / means**2)
    return LogNormal(means * exp(-spread / 2), sqrt(spread))


def from_points(low: float, mid: float, high: float) -> LogNormal:
    """The log-normal whose median is `mid` and whose 10th to 90th percentile is as wide as low to high."""
    if is_column(low):
        width = log(where((low > 0) & (high > low), high / where(low > 0, low, 1.0), 1.0))
    else:
        width = log(high / low) if low > 0 and high > low else 0.0
    return LogNormal(mid, width / (-2 * TENTH_PERCENTILE))


def from_interval(interval: Interval) -> LogNormal:
    """The same, of an interval of the API."""
    return from_points(float(interval.low), float(interval.mid), float(interval.high))
