"""Calendar months, UTC: what budgets are counted by. A stretch of time belongs to each month by its share."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from coppice.accounting.units import seconds_between


def month_of(moment: datetime) -> str:
    """The month of a moment, such as `2026-05`."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def month_end(month: str) -> datetime:
    """The first moment after a month."""
    year, number = (int(part) for part in month.split("-"))
    return datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def shares(start: datetime, end: datetime) -> Iterator[tuple[str, Decimal]]:
    """Months from start to end with the share of that time in each; they sum to 1. No time at all is its start's."""
    whole = seconds_between(start, end)
    while (turn := month_end(month_of(start))) < end:
        yield month_of(start), seconds_between(start, turn) / whole
        start = turn
    yield month_of(start), seconds_between(start, end) / whole if whole else Decimal(1)
