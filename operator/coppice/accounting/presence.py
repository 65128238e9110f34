"""Who is on a device when: the moments at which what it draws becomes somebody else's.

A pod whose reserved time is known is there for that time, whatever scrapes saw. Of a stranger only the times are known
at which an exporter showed it, so it is taken to be there from half-way since the scrape before the first to half-way
to the scrape after the last of them. Everybody's presence is cut at the same edges, so what is divided there sums to
the whole.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

Pod = str
Span = tuple[float, float]

LONGEST_ABSENCE_SECONDS = 120.0
"""A stranger that is not shown for longer was away; in less, a scrape or two failed."""


class Presence:
    """Pods by time, from spans by pod in seconds since 1970."""

    def __init__(self, spans: Mapping[Pod, Sequence[Span]]) -> None:
        came = sorted((start, pod) for pod, every in spans.items() for start, end in every if start < end)
        went = sorted((end, pod) for pod, every in spans.items() for start, end in every if start < end)
        self._edges = sorted({moment for moment, _ in (*came, *went)})
        self._after = list(_present(self._edges, came, went))

    def at(self, moment: float) -> frozenset[Pod]:
        """The pods that are there from this moment on, until the next edge."""
        number = bisect_right(self._edges, moment) - 1
        return self._after[number] if number >= 0 else frozenset()

    def edges(self, start: float, end: float) -> list[float]:
        """When somebody comes or goes between two times, exclusive."""
        return self._edges[bisect_right(self._edges, start) : bisect_left(self._edges, end)]


def _present(
    edges: Sequence[float], came: Sequence[tuple[float, Pod]], went: Sequence[tuple[float, Pod]]
) -> Iterator[frozenset[Pod]]:
    counts: dict[Pod, int] = {}
    arrivals, departures = iter([*came, (float("inf"), "")]), iter([*went, (float("inf"), "")])
    arrival, departure = next(arrivals), next(departures)
    for edge in edges:
        while arrival[0] <= edge:
            counts[arrival[1]] = counts.get(arrival[1], 0) + 1
            arrival = next(arrivals)
        while departure[0] <= edge:
            counts[departure[1]] -= 1
            departure = next(departures)
        yield frozenset(pod for pod, count in counts.items() if count)


def spans_shown(times: Sequence[float], scrapes: Sequence[float]) -> list[Span]:
    """When a stranger was there that was shown at these of all scrapes; both are in order."""
    breaks = [
        number
        for number, (before, after) in enumerate(pairwise(times), start=1)
        if after - before > LONGEST_ABSENCE_SECONDS
    ]
    ends = pairwise([0, *breaks, len(times)])
    return [(_begun(times[first], scrapes), _ended(times[last - 1], scrapes)) for first, last in ends if first < last]


def _begun(first: float, scrapes: Sequence[float]) -> float:
    number = bisect_left(scrapes, first)
    return (scrapes[number - 1] + first) / 2 if number else first


def _ended(last: float, scrapes: Sequence[float]) -> float:
    number = bisect_right(scrapes, last)
    return (scrapes[number] + last) / 2 if number < len(scrapes) else last
