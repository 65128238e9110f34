"""Idle first: of what a node's package draws, its power at rest belongs to whoever reserved it, the rest to who worked.

An exporter may call active the share of time in which processors worked of everything that a package drew, its idle
power included. The account has that part already, as `host_idle` by the share of the host that a pod reserved. So the
power at rest is taken off what the package drew, and the rest is divided like the energy that was called active: what
all processes get and the power at rest over time are the package again.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf

from coppice.accounting.samples import TOLERANCE, UPDATE_SECONDS, Segment

Zone = str

LEAST_SECONDS = 30.0
"""Over less, no power is told from a counter. Kepler's values are up to half a second older than the time that a scrape
gives them (`monitor.staleness`): less than 2 % of 30 s. Of many less certain powers the lowest would be noise."""

ROUNDING = 1e-9
"""Of counters of days, as floats."""


@dataclass(frozen=True)
class NodeSample:
    """A node's counters at a time, in joules: what its exporter calls active, and idle."""

    at: float
    active: float
    idle: float


@dataclass(frozen=True)
class Drawn:
    """Joules of a node between two times, and how many of them were called active."""

    start: float
    end: float
    active: float
    total: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start

    def above(self, watts: float) -> float:
        """Joules above that power."""
        return self.total - watts * self.seconds

    def less_than(self, watts: float) -> bool:
        """Whether it drew less than that power, and not by rounding alone."""
        return self.above(watts) < -ROUNDING * self.total

    def with_next(self, other: "Drawn") -> "Drawn":
        """This and what follows it at once."""
        return Drawn(self.start, other.end, self.active + other.active, self.total + other.total)


class View:
    """What one exporter says of a node in time, as intervals in order that need not be without holes."""

    def __init__(self, intervals: Sequence[Drawn]) -> None:
        self.intervals = intervals
        self._starts = [one.start for one in intervals]
        self._ends = [one.end for one in intervals]

    def within(self, start: float, end: float) -> "View":
        """The intervals that lie between two times."""
        return View(self.intervals[bisect_left(self._starts, start) : bisect_right(self._ends, end)])

    def least_watts(self) -> float:
        """The lowest power between any two samples that are far enough apart; infinity without any."""
        return min((watts for run in self._runs() for watts in _powers(run)), default=inf)

    def joined(self, watts: float) -> "View":
        """Intervals that drew less than the floor, which is noise, taken together with those beside them."""
        forwards = _joined(self.intervals, watts)
        return View(_joined(forwards[::-1], watts)[::-1])

    def around(self, segment: Segment) -> Drawn | None:
        """The intervals that hold the segment, as one; None where there is a hole."""
        first = bisect_right(self._starts, segment.start) - 1
        last = bisect_left(self._ends, segment.end)
        if first < 0 or last >= len(self.intervals):
            return None
        found = self.intervals[first]
        for one in self.intervals[first + 1 : last + 1]:
            if one.start != found.end:
                return None
            found = found.with_next(one)
        return found if found.start <= segment.start and segment.end <= found.end else None

    def _runs(self) -> Iterator[Sequence[Drawn]]:
        breaks = [number for number, (one, other) in enumerate(pairwise(self.intervals), 1) if one.end != other.start]
        for first, last in pairwise([0, *breaks, len(self.intervals)]):
            if first < last:
                yield self.intervals[first:last]


def view_of(samples: Sequence[NodeSample], most_watts: float) -> View:
    """Rises between samples in order of time; where counters began again, or no hardware draws so much, is a hole.

    A package always draws something: values that stay mean that nothing newer was there, not that it drew nothing. On
    a node that works all the time more may be called active than was drawn, so that idle joules fall: no new beginning.
    """
    intervals = []
    renewed = [
        after for before, after in pairwise(samples) if (before.active, before.idle) != (after.active, after.idle)
    ]
    for before, after in pairwise([*samples[:1], *renewed]):
        active, seconds = after.active - before.active, after.at - before.at
        total = active + after.idle - before.idle
        if active >= 0 and 0 <= total <= most_watts * TOLERANCE * (seconds + UPDATE_SECONDS):
            intervals.append(Drawn(before.at, after.at, active, total))
    return View(intervals)


@dataclass(frozen=True)
class Rest:
    """The power of a package at rest in watts, and what it drew: as seen, and so that no interval drew less."""

    watts: float
    views: Sequence[tuple[View, View]]

    def above(self, segment: Segment) -> Segment | None:
        """The segment's share of what was called active, of what was drawn above rest; None where nobody saw the node.

        Of several views the one whose samples are the segment's own, else the one that reaches least beyond it.
        """
        if not segment.joules:
            return segment
        found = [(around, joined) for seen, joined in self.views if (around := seen.around(segment)) is not None]
        if not found:
            return None
        _, joined = min(found, key=lambda one: _beyond(one[0], segment))
        node = joined.around(segment)
        if node is None:
            return None
        share = min(segment.joules / node.active, 1.0) if node.active else 0.0
        return Segment(segment.start, segment.end, share * max(node.above(self.watts), 0.0))


def at_rest(zones: Mapping[Zone, Sequence[View]], most_watts: float) -> dict[Zone, Rest]:
    """By zone of a node: the lowest power that anybody saw, all zones together no more than the host's at rest.

    A zone that nobody saw for long enough is left out.
    """
    lowest = {zone: min((view.least_watts() for view in views), default=inf) for zone, views in zones.items()}
    known = {zone: watts for zone, watts in lowest.items() if watts < inf}
    share = min(most_watts / sum(known.values()), 1.0) if sum(known.values()) else 1.0
    return {
        zone: Rest(watts * share, [(view, view.joined(watts * share)) for view in zones[zone]])
        for zone, watts in known.items()
    }


def _beyond(drawn: Drawn, segment: Segment) -> tuple[int, float]:
    """How many of its ends are not the segment's, and its length."""
    return (drawn.start != segment.start) + (drawn.end != segment.end), drawn.seconds


def _powers(run: Sequence[Drawn]) -> Iterator[float]:
    """Of every part that is long enough and too short to be cut into two such, one of which drew no more than it."""
    times = [run[0].start, *(one.end for one in run)]
    joules = list(accumulate((one.total for one in run), initial=0.0))
    for first, at in enumerate(times):
        middle = bisect_left(times, at + LEAST_SECONDS)
        if middle == len(times):
            return
        for last in range(middle, bisect_left(times, times[middle] + LEAST_SECONDS)):
            yield (joules[last] - joules[first]) / (times[last] - at)


def _joined(intervals: Sequence[Drawn], watts: float) -> list[Drawn]:
    """In the order that is given, which may be backwards."""
    joined: list[Drawn] = []
    for one in intervals:
        last = joined[-1] if joined else None
        if last is not None and last.less_than(watts) and one.start == last.end:
            joined[-1] = last.with_next(one)
        elif last is not None and last.less_than(watts) and one.end == last.start:
            joined[-1] = one.with_next(last)
        else:
            joined.append(one)
    return joined
