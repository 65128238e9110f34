"""Figures as short text: three significant digits, units beside them, a dash for what is not known."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from coppice.api.base import Interval
from coppice.api.trainingjob_status import AvoidedStatus

UNKNOWN = "-"

Number = Decimal | float | int


def number(value: Number | None) -> str:
    """Three significant digits without exponent: `0.0123`, `4.57`, `1,230`."""
    if value is None:
        return UNKNOWN
    exact = Decimal(value)
    if exact == 0:
        return "0"
    digits = max(2 - exact.adjusted(), 0)
    rounded = round(exact, digits) if digits else round(exact, 2 - exact.adjusted())
    return f"{rounded:,.{digits}f}"


def quality(value: Decimal | None, error: Decimal | None = None) -> str:
    """A quality with its standard error: `0.957 ±0.004`."""
    if value is None:
        return UNKNOWN
    return f"{value:.3f}" + (f" ±{error:.3f}" if error is not None else "")


def interval(value: Interval | None, show: Callable[[Number], str] = number) -> str:
    """10th to 90th percentile: `1.2 to 4.5`."""
    return f"{show(value.low)} to {show(value.high)}" if value else UNKNOWN


def avoided(value: AvoidedStatus | None) -> str:
    """Carbon avoided, with its bounds where they differ."""
    if value is None:
        return UNKNOWN
    return number(value.mid) + ("" if value.low == value.high else f" ({number(value.low)} to {number(value.high)})")


def ratio(one: Number | None, other: Number | None) -> str:
    """How many times `other` is of `one`: `1/8.3` or `2.1 x`."""
    if one is None or other is None or not one or not other:
        return UNKNOWN
    times = float(other) / float(one)
    return f"{times:.1f} x" if times >= 1 else f"1/{1 / times:.1f}"
