"""What is known of the grid, frozen: live courses by zone, best source first, and the table behind them.

Prices of one moment are all of one kind (method and signal), because a life-cycle average and a marginal stack
emission cannot be compared: Sweden differs 15-fold between two of them. So a live kind is used only where every zone
in the comparison has a value of it; otherwise all of them get the table's, labelled with the reason. Nothing here
makes a number up: a source that failed is a sentence, never 0.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache

from coppice.accounting.course import Span, at, in_slots, known_seconds, mean
from coppice.accounting.units import seconds_between
from coppice.api.decision import Intensity
from coppice.api.vocabulary import IntensityMethod, IntensitySignal

Kind = tuple[IntensityMethod, IntensitySignal]

PARTLY = Decimal("0.99")
"""Share of the time with a value above which holes need no words."""


@dataclass(frozen=True)
class Course:
    """What one source says of one zone: spans in order, measured and forecast, and when it said so last."""

    method: IntensityMethod
    signal: IntensitySignal
    source: str
    spans: tuple[Span, ...]
    read_at: datetime

    @property
    def kind(self) -> Kind:
        """What may be compared with it."""
        return self.method, self.signal


@dataclass(frozen=True)
class Grid:
    """Courses by zone in the order of the chain, why sources failed by zone, and the table behind them.

    `own` gives what an administrator set for a zone, `table` always a value, of one kind for every zone.
    """

    table: Callable[[str], Intensity]
    own: Callable[[str], Intensity | None] = lambda _: None
    courses: Mapping[str, tuple[Course, ...]] = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[Kind, ...] = ()
    stale_after: timedelta = timedelta(hours=2)

    def prices(self, now: datetime, zones: Iterable[str]) -> Callable[[str], Intensity]:
        """Intensity by zone at one moment, all of one kind; `zones` are those that are compared."""
        return _Prices(self, now, frozenset(zones)).of

    def live(self, zone: str, kind: Kind, now: datetime) -> Intensity | None:
        """The best live value of a kind, if one is fresh enough."""
        for course in self.courses.get(zone, ()):
            span = self._fresh(course, now) if course.kind == kind else None
            if span is not None:
                return _value(zone, course, span)
        return None

    def forecast(self, zone: str, now: datetime) -> tuple[Span, ...]:
        """What the best source expects from now on; empty where none forecasts."""
        for course in self.courses.get(zone, ()):
            spans = tuple(span for span in course.spans if span.end > now)
            if spans and now - course.read_at <= self.stale_after:
                return spans
        return ()

    def past(self, zone: str, kind: Kind, start: datetime, end: datetime) -> tuple[Intensity, tuple[Span, ...]] | None:
        """The mean and the course by slot of some time, from the best source of that kind that knows any of it.

        Holes of the course are to be priced with the mean, which says so. None where no source knows anything.
        """
        for course in self.courses.get(zone, ()):
            slots = in_slots(course.spans, start, max(end, start + timedelta(seconds=1))) if course.kind == kind else ()
            value = mean(slots)
            if value is not None:
                return _mean_value(zone, course, slots, (start, end), value), slots
        return None

    def _fresh(self, course: Course, now: datetime) -> Span | None:
        span = at(course.spans, now)
        if span is None or now - span.end > self.stale_after:
            return None
        if span.forecast and now - course.read_at > self.stale_after:
            return None
        return span


class _Prices:
    """One moment's prices; the kind is chosen once, each zone's value read once."""

    def __init__(self, grid: Grid, now: datetime, zones: frozenset[str]) -> None:
        self._grid = grid
        self._now = now
        self._zones = zones
        self._kind = self._chosen()
        self.of = cache(self._of)

    def _of(self, zone: str) -> Intensity:
        if self._kind is not None:
            known = self._known(zone, self._kind)
            if known is not None:
                return known
        return self._labelled(zone, self._grid.table(zone))

    def _chosen(self) -> Kind | None:
        """The first kind of the chain that a source has now and that every zone has; then that of own values."""
        grid = self._grid
        live = [kind for kind in grid.kinds if any(grid.live(zone, kind, self._now) for zone in self._zones)]
        own = [(value.method, value.signal) for value in map(grid.own, sorted(self._zones)) if value]
        for kind in dict.fromkeys([*live, *own]):
            if all(self._known(zone, kind) for zone in self._zones):
                return kind
        return None

    def _known(self, zone: str, kind: Kind) -> Intensity | None:
        found = self._grid.live(zone, kind, self._now)
        if found is not None:
            return found
        for value in (self._grid.own(zone), self._grid.table(zone)):
            if value is not None and (value.method, value.signal) == kind:
                return self._labelled(zone, value)
        return None

    def _labelled(self, zone: str, value: Intensity) -> Intensity:
        why = self._grid.faults.get(zone) or ("not every zone has a live value of one kind" if self._live() else "")
        own = self._grid.own(zone)
        if not why and own is not None and (own.method, own.signal) != (value.method, value.signal):
            why = f"the value set for it is {own.method} {own.signal}, which other zones lack"
        return value.model_copy(update={"source": f"{value.source}; a fall-back: {why}"}) if why else value

    def _live(self) -> bool:
        return any(self._grid.live(zone, kind, self._now) for zone in self._zones for kind in self._grid.kinds)


def compared(grid: Grid, zones: Iterable[str], now: datetime) -> bool:
    """Whether the live courses at hand are enough for every zone, so that no further source need be asked."""
    zones = tuple(zones)
    return any(all(grid.live(zone, kind, now) for zone in zones) for kind in grid.kinds)


def noted(intensity: Intensity, words: str) -> Intensity:
    """The value with words about it beside its source."""
    return intensity.model_copy(update={"source": f"{intensity.source}; {words}"}) if words else intensity


def _value(zone: str, course: Course, span: Span) -> Intensity:
    return Intensity(
        zone=zone,
        grams_per_kilowatt_hour=span.grams_per_kilowatt_hour,
        method=course.method,
        signal=course.signal,
        period=period(span.start, span.end),
        source=f"{course.source}, forecast" if span.forecast else course.source,
        as_of=span.start,
    )


def _mean_value(
    zone: str, course: Course, slots: tuple[Span, ...], time: tuple[datetime, datetime], value: Decimal
) -> Intensity:
    start, end = time
    source = course.source
    forecast = known_seconds(slot for slot in slots if slot.forecast)
    known, total = known_seconds(slots), seconds_between(start, end)
    if forecast:
        source += f", {forecast / known:.0%} of the time forecast"
    if known < total * PARTLY:
        source += f", mean of the {known / total:.0%} of the time with a value for the rest"
    return Intensity(
        zone=zone,
        grams_per_kilowatt_hour=value,
        method=course.method,
        signal=course.signal,
        period=period(start, end),
        source=source,
        as_of=start,
    )


def period(start: datetime, end: datetime) -> str:
    """An ISO 8601 interval to the minute: `2026-03-01T12:00Z/2026-03-01T12:30Z`."""
    return f"{start:%Y-%m-%dT%H:%MZ}/{end:%Y-%m-%dT%H:%MZ}"
