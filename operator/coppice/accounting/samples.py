"""From samples of meters to joules over time: resets, gaps, duplicates and nonsense handled, nothing made up.

A counter needs no sample inside a job to be right: what counts is its rise between two samples. A rise that the
hardware cannot have drawn, a fall (the counter began again) and a hole in power samples are gaps: they give no joule,
and the account estimates their time. Times are seconds since 1970, energies joules, powers watts, as floats: a meter's
error is many times theirs, and the account rounds once.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

UPDATE_SECONDS = 60.0
"""How far a counter's value may lag behind its sample: dcgm-exporter collects every 30 s, scrapes fall between."""

TOLERANCE = 1.1
"""A board may exceed its limit for moments, and watts on a data sheet are rounded."""

LONGEST_POWER_GAP_SECONDS = 120.0
"""Between two samples of power that are taken to go on from one to the other."""

JITTER_SHARE = 0.5
"""A second exporter may be behind the first; a counter that began again is far below."""


@dataclass(frozen=True)
class Sample:
    """One value of a series at a time."""

    at: float
    value: float


@dataclass(frozen=True)
class Segment:
    """Joules between two times, drawn evenly as far as the samples tell."""

    start: float
    end: float
    joules: float

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.end - self.start


def counter_segments(samples: Sequence[Sample], most_watts: float, *, current: bool = False) -> list[Segment]:
    """Rises of a counter of joules. `current`: a value holds until its sample, so that one that stays means 0 J.

    Without `current` equal values mean that the exporter has nothing newer: the rise belongs to the whole time since
    the first of them, and after the last change nothing is known.
    """
    segments = []
    for before, after in pairwise(_changes(samples, keep_last=current)):
        rise, seconds = after.value - before.value, after.at - before.at
        if 0 <= rise <= most_watts * TOLERANCE * (seconds + UPDATE_SECONDS):
            segments.append(Segment(before.at, after.at, rise))
    return segments


def power_segments(
    samples: Sequence[Sample], most_watts: float, edges: Callable[[float, float], Sequence[float]] = lambda *_: ()
) -> list[Segment]:
    """Power integrated by trapezoids; holes of more than two minutes and impossible samples are gaps.

    `edges` tells when somebody came or went between two samples: there power steps, so that each sample holds up to
    its edge and the power between several edges is the mean.
    """
    fair = [sample for sample in samples if 0 <= sample.value <= most_watts * TOLERANCE]
    return [
        segment
        for before, after in pairwise(fair)
        if 0 < after.at - before.at <= LONGEST_POWER_GAP_SECONDS
        for segment in _stepped(before, after, edges(before.at, after.at))
    ]


def _stepped(before: Sample, after: Sample, edges: Sequence[float]) -> list[Segment]:
    mean = (before.value + after.value) / 2
    times = [before.at, *edges, after.at]
    watts = [before.value, *[mean] * (len(edges) - 1), after.value] if edges else [mean]
    return [
        Segment(start, end, power * (end - start))
        for (start, end), power in zip(pairwise(times), watts, strict=True)
        if start < end
    ]


def merged(streams: Iterable[Sequence[Sample]], *, counter: bool) -> list[Sample]:
    """One device's samples from several exporters or Prometheus replicas: the longest stream, others in its holes.

    Two streams of a counter are never interleaved sample by sample, because one may lag and would look like a reset.
    """
    ordered = sorted((_in_order(stream) for stream in streams), key=len, reverse=True)
    if not ordered:
        return []
    found = ordered[0]
    for other in ordered[1:]:
        found = _filled(found, other)
    return _without_jitter(found) if counter and len(ordered) > 1 else found


def within(segments: Iterable[Segment], start: float, end: float) -> list[Segment]:
    """The parts of segments between two times, joules by their share of the time."""
    parts = []
    for segment in segments:
        first, last = max(segment.start, start), min(segment.end, end)
        if first < last:
            parts.append(Segment(first, last, segment.joules * (last - first) / segment.seconds))
    return parts


def in_holes(first: Sequence[Segment], second: Iterable[Segment]) -> list[Segment]:
    """The first segments, and of the second only what lies in their holes; both in order of time."""
    ends = [float("-inf"), *(segment.end for segment in first)]
    starts = [*(segment.start for segment in first), float("inf")]
    holes = [(begin, end) for begin, end in zip(ends, starts, strict=True) if begin < end]
    second = list(second)
    added = [part for begin, end in holes for part in within(second, begin, end)]
    return sorted([*first, *added], key=lambda segment: segment.start)


def seconds_of(segments: Iterable[Segment]) -> float:
    """Time that segments cover; they do not overlap."""
    return sum(segment.seconds for segment in segments)


def _in_order(stream: Sequence[Sample]) -> list[Sample]:
    return [Sample(at, value) for at, value in sorted({sample.at: sample.value for sample in stream}.items())]


def _changes(samples: Sequence[Sample], *, keep_last: bool) -> Iterator[Sample]:
    last: Sample | None = None
    for sample in samples:
        if last is None or sample.value != last.value:
            yield sample
            last = sample
    if keep_last and last is not None and samples[-1].at > last.at:
        yield samples[-1]


def _filled(base: list[Sample], other: list[Sample]) -> list[Sample]:
    steps = [after.at - before.at for before, after in pairwise(base)]
    hole = 2 * median(steps) if steps else 0.0
    edges = [float("-inf"), *(sample.at for sample in base), float("inf")]
    holes = [(begin, end) for begin, end in pairwise(edges) if end - begin > hole]
    added = (sample for sample in other if any(begin < sample.at < end for begin, end in holes))
    return _in_order([*added, *base])


def _without_jitter(samples: list[Sample]) -> list[Sample]:
    kept: list[Sample] = []
    for sample in samples:
        if not kept or sample.value >= kept[-1].value or sample.value < kept[-1].value * JITTER_SHARE:
            kept.append(sample)
    return kept
