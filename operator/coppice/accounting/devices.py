"""Whose joules an accelerator's are: several pods may see one device, and each of them sees all of its energy.

Time-slicing and MPS print the whole device's counter to every pod that shares it, and each MIG instance prints the
whole GPU's. So a device's energy is divided: by the slices of an instance, else evenly among the pods that are on it
at the time. A divided figure is Estimated, because nobody metered the shares.

An interval between two samples in which a pod comes or goes is divided too: its idle part draws what the device drew
when it was last idle, and the rest is the pods'. So a job that is shorter than a scrape gets its own power and not the
average, and pods and idle time sum to the device.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise

from coppice.accounting.presence import Pod, Presence, Span, spans_shown
from coppice.accounting.samples import (
    TOLERANCE,
    Sample,
    Segment,
    counter_segments,
    in_holes,
    merged,
    power_segments,
    within,
)

GPU_SLICES = 7
"""Compute slices of a MIG-capable GPU; a profile such as 3g.40gb names how many an instance has."""


@dataclass(frozen=True)
class Piece:
    """Joules of a device while the same pods are on it."""

    segment: Segment
    present: frozenset[Pod]


@dataclass(frozen=True)
class Device:
    """Everything known of one accelerator: streams of its counter (J) and power (W), and who was on it.

    `shown` has the sorted times at which an exporter showed a pod, `reserved` the reserved times of pods that are
    known, `instances` the slices of a pod's MIG instances by their number, empty for a device that is not divided.
    """

    counters: Sequence[Sequence[Sample]] = ()
    powers: Sequence[Sequence[Sample]] = ()
    shown: Mapping[Pod, Sequence[float]] = field(default_factory=dict)
    instances: Mapping[Pod, Mapping[str, int]] = field(default_factory=dict)
    reserved: Mapping[Pod, Span] = field(default_factory=dict)
    _pieces: dict[float, tuple[list[Piece], tuple[str, ...]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def presence(self) -> Presence:
        """Who is on it when."""
        scrapes = sorted({sample.at for stream in (*self.counters, *self.powers) for sample in stream})
        strangers = {pod: spans_shown(times, scrapes) for pod, times in self.shown.items() if pod not in self.reserved}
        return Presence({**strangers, **{pod: [span] for pod, span in self.reserved.items()}})

    def pieces(self, most_watts: float) -> tuple[list[Piece], tuple[str, ...]]:
        """All of its energy, cut where pods come and go, and which sources it is from; worked out once."""
        if most_watts not in self._pieces:
            self._pieces[most_watts] = _pieces(self, most_watts)
        return self._pieces[most_watts]


@dataclass(frozen=True)
class Share:
    """A pod's part of a device: segments, whether they were divided, and which sources they come from."""

    segments: tuple[Segment, ...]
    divided: bool
    sources: tuple[str, ...]


def share_of(device: Device, pod: Pod, start: float, end: float, most_watts: float) -> Share:
    """A pod's part of a device's energy between two times, in which it had it."""
    if device.reserved.get(pod) != (start, end):
        device = replace(device, reserved={**device.reserved, pod: (start, end)})
    pieces, sources = device.pieces(most_watts)
    own = [piece for piece in pieces if pod in piece.present]
    fractions = [_fraction(device, pod, piece.present) for piece in own]
    parts = (
        Segment(piece.segment.start, piece.segment.end, piece.segment.joules * fraction)
        for piece, fraction in zip(own, fractions, strict=True)
    )
    return Share(tuple(within(parts, start, end)), any(fraction < 1 for fraction in fractions), sources)


def summed(shares: Iterable[Share]) -> tuple[Segment, ...]:
    """Several devices of one pod together, where all of them are known: a time that one lacks is a gap."""
    shares = tuple(shares)
    edges = sorted({edge for share in shares for part in share.segments for edge in (part.start, part.end)})
    cut = [_cut_at(edges, share.segments) for share in shares]
    return tuple(
        Segment(start, end, sum(parts[start] for parts in cut))
        for start, end in pairwise(edges)
        if all(start in parts for parts in cut)
    )


def _pieces(device: Device, most_watts: float) -> tuple[list[Piece], tuple[str, ...]]:
    """The counter, and integrated power in its holes."""
    counted = counter_segments(merged(device.counters, counter=True), most_watts)
    drawn = power_segments(merged(device.powers, counter=False), most_watts, device.presence.edges)
    both = in_holes(counted, drawn)
    sources = [name for name, said in (("dcgm-counter", counted), ("dcgm-power", len(both) > len(counted))) if said]
    idle = _idle_watts(both, device.presence)
    pieces = [
        piece for segment, watts in zip(both, idle, strict=True) for piece in _cut(segment, device, watts, most_watts)
    ]
    return pieces, tuple(sources)


def _idle_watts(segments: Sequence[Segment], presence: Presence) -> list[float]:
    """For each segment what the device drew when nobody had it last, else next; infinity where it always had somebody.

    The last, because it is in the samples whenever they are read; the next may come after they were.
    """
    idle = [not presence.at(one.start) and not presence.edges(one.start, one.end) for one in segments]
    rates = [one.joules / one.seconds if nobody else None for one, nobody in zip(segments, idle, strict=True)]
    known = next((rate for rate in rates if rate is not None), float("inf"))
    return [known := known if rate is None else rate for rate in rates]


def _cut(segment: Segment, device: Device, idle_watts: float, most_watts: float) -> list[Piece]:
    """Idle pieces draw idle power, and whatever the hardware cannot have drawn in the others."""
    presence = device.presence
    times = list(pairwise([segment.start, *presence.edges(segment.start, segment.end), segment.end]))
    present = [presence.at(start) for start, _ in times]
    idle_seconds = sum(end - start for (start, end), pods in zip(times, present, strict=True) if not pods)
    busy_seconds, average = segment.seconds - idle_seconds, segment.joules / segment.seconds
    idle = busy = average
    if idle_seconds and busy_seconds:
        above = (segment.joules - min(idle_watts, average) * idle_seconds) / busy_seconds
        busy = min(above, max(most_watts * TOLERANCE, average))
        idle = (segment.joules - busy * busy_seconds) / idle_seconds
    return [
        Piece(Segment(start, end, (end - start) * (busy if pods else idle)), pods)
        for (start, end), pods in zip(times, present, strict=True)
    ]


def _fraction(device: Device, pod: Pod, present: frozenset[Pod]) -> float:
    """A pod's part while these are on the device: of its instances, or of what no instance has."""
    held = {one: device.instances[one] for one in present if one in device.instances}
    sizes = {number: slices for instances in held.values() for number, slices in instances.items()}
    whole = max(sum(sizes.values()), GPU_SLICES)
    if pod not in held:
        return (1 - sum(sizes.values()) / whole) / len(present - held.keys())
    return sum(slices / whole / sum(number in one for one in held.values()) for number, slices in held[pod].items())


def _cut_at(edges: Sequence[float], segments: Iterable[Segment]) -> dict[float, float]:
    """Joules by the start of each piece between two edges."""
    pieces = {}
    for segment in segments:
        first, last = bisect_left(edges, segment.start), bisect_left(edges, segment.end)
        for start, end in pairwise(edges[first : last + 1]):
            pieces[start] = segment.joules * (end - start) / segment.seconds
    return pieces
