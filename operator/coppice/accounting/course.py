"""The course of an intensity over time: spans as providers publish them, and slots as accounts keep them.

Providers publish 5, 15, 30 or 60 minutes at a time, restate what they said and forecast what is to come. An account
keeps at most 96 slots, aligned to UTC, each with the mean over the time that is known, so that a report holds all it
was computed from. What a hole hides is not made up here: the account prices it with the mean and says so.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise

from coppice.accounting.units import seconds_between
from coppice.api.base import DecimalString, Model
from coppice.api.result import MAX_SLOTS, SLOT_SECONDS

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = Decimal("0.000001")
"""What an intensity is rounded to: a millionth of a gram a kilowatt-hour."""


class Span(Model):
    """An intensity in gCO2e per kilowatt-hour from `start` to `end`, UTC; `forecast` where nothing confirmed it."""

    start: datetime
    end: datetime
    grams_per_kilowatt_hour: DecimalString
    forecast: bool = False


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans in order and without overlap: what was measured before what was forecast, the later statement first.

    `spans` come in the order in which they were said. One that overlaps an earlier start is cut at the next one's.
    """
    said: dict[datetime, Span] = {}
    for span in spans:
        before = said.get(span.start)
        if span.start < span.end and (before is None or before.forecast or not span.forecast):
            said[span.start] = span
    ordered = [said[start] for start in sorted(said)]
    cut = (
        span if span.end <= following.start else span.model_copy(update={"end": following.start})
        for span, following in pairwise(ordered)
    )
    return (*cut, *ordered[-1:])


def at(spans: Sequence[Span], moment: datetime) -> Span | None:
    """The span of a moment, else the last one before it; None before the first."""
    number = bisect_right(spans, moment, key=lambda span: span.start)
    return spans[number - 1] if number else None


def within(spans: Sequence[Span], start: datetime, end: datetime) -> tuple[Span, ...]:
    """The parts of spans, which are in order, between two moments."""
    first = max(bisect_right(spans, start, key=lambda span: span.start) - 1, 0)
    parts = []
    for span in islice(spans, first, None):
        if span.start >= end:
            break
        if span.end > start:
            parts.append(span.model_copy(update={"start": max(span.start, start), "end": min(span.end, end)}))
    return tuple(parts)


def mean(spans: Sequence[Span]) -> Decimal | None:
    """The mean by time in gCO2e per kilowatt-hour; None of nothing."""
    lengths = [seconds_between(span.start, span.end) for span in spans]
    total = sum(lengths, Decimal(0))
    if not total:
        return None
    weighted = (span.grams_per_kilowatt_hour * length for span, length in zip(spans, lengths, strict=True))
    return (sum(weighted, Decimal(0)) / total).quantize(MICRO)


def known_seconds(spans: Iterable[Span]) -> Decimal:
    """Time with a value."""
    return sum((seconds_between(span.start, span.end) for span in spans), Decimal(0))


def in_slots(spans: Sequence[Span], start: datetime, end: datetime, at_most: int = MAX_SLOTS) -> tuple[Span, ...]:
    """The course between two moments as at most so many slots aligned to UTC; slots of which nothing is known lack.

    A slot's `start` and `end` are those of the time known in it, so that what a slot stands for is never more than
    what was published.
    """
    seconds = SLOT_SECONDS
    while (end - EPOCH) // timedelta(seconds=seconds) - (start - EPOCH) // timedelta(seconds=seconds) >= at_most:
        seconds *= 2
    by_slot: dict[int, list[Span]] = {}
    for span in within(spans, start, end):
        for number, part in _cut(span, seconds):
            by_slot.setdefault(number, []).append(part)
    return tuple(_one(parts) for _, parts in sorted(by_slot.items()))


def _cut(span: Span, seconds: int) -> list[tuple[int, Span]]:
    length = timedelta(seconds=seconds)
    parts = []
    begin = span.start
    while begin < span.end:
        number = (begin - EPOCH) // length
        end = min(EPOCH + (number + 1) * length, span.end)
        parts.append((number, span.model_copy(update={"start": begin, "end": end})))
        begin = end
    return parts


def _one(parts: Sequence[Span]) -> Span:
    value = mean(parts)
    assert value is not None
    return Span(
        start=parts[0].start,
        end=parts[-1].end,
        grams_per_kilowatt_hour=value,
        forecast=any(part.forecast for part in parts),
    )
