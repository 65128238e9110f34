"""Whose joules an accelerator's are: several pods may see one device, and each of them sees all of its energy.

Time-slicing and MPS print the whole device's counter to every pod that shares it, and each MIG instance prints the
whole GPU's. So a device's energy is divided: by the slices of an instance, else evenly among the pods that are shown
on it at the time. A divided figure is Estimated, because nobody metered the shares.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from coppice.accounting.samples import (
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

Pod = str


@dataclass(frozen=True)
class Device:
    """Everything known of one accelerator: streams of its counter (J) and power (W), and when pods were shown on it.

    `shown` has the sorted times by pod; `slices` the MIG slices by pod, empty for a device that is not divided.
    """

    counters: Sequence[Sequence[Sample]] = ()
    powers: Sequence[Sequence[Sample]] = ()
    shown: Mapping[Pod, Sequence[float]] = field(default_factory=dict)
    slices: Mapping[Pod, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Share:
    """A pod's part of a device: segments, whether they were divided, and which sources they come from."""

    segments: tuple[Segment, ...]
    divided: bool
    sources: tuple[str, ...]


def device_segments(device: Device, most_watts: float) -> tuple[list[Segment], tuple[str, ...]]:
    """The whole device's energy: the counter, and integrated power in its holes."""
    counted = counter_segments(merged(device.counters, counter=True), most_watts)
    drawn = power_segments(merged(device.powers, counter=False), most_watts)
    both = in_holes(counted, drawn)
    sources = [name for name, said in (("dcgm-counter", counted), ("dcgm-power", len(both) > len(counted))) if said]
    return both, tuple(sources)


def share_of(device: Device, pod: Pod, start: float, end: float, most_watts: float) -> Share:
    """A pod's part of a device's energy between two times."""
    segments, sources = device_segments(device, most_watts)
    own = within(segments, start, end)
    if pod in device.slices:
        fraction = min(device.slices[pod] / GPU_SLICES, 1.0)
        parts = [Segment(part.start, part.end, part.joules * fraction) for part in own]
        return Share(tuple(parts), fraction < 1, sources)
    counts = [max(_sharers(device, pod, part), 1) for part in own]
    parts = [Segment(part.start, part.end, part.joules / count) for part, count in zip(own, counts, strict=True)]
    return Share(tuple(parts), any(count > 1 for count in counts), sources)


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


def _cut_at(edges: Sequence[float], segments: Iterable[Segment]) -> dict[float, float]:
    """Joules by the start of each piece between two edges."""
    pieces = {}
    for segment in segments:
        first, last = bisect_left(edges, segment.start), bisect_left(edges, segment.end)
        for start, end in pairwise(edges[first : last + 1]):
            pieces[start] = segment.joules * (end - start) / segment.seconds
    return pieces


def _sharers(device: Device, pod: Pod, segment: Segment) -> int:
    """Pods shown on the device in a segment; before the pod was first shown and after the last time, those of then."""
    own = device.shown.get(pod)
    if not own:
        return 1
    start, end = min(max(segment.start, own[0]), own[-1]), max(min(segment.end, own[-1]), own[0])
    return sum(
        number < len(times) and times[number] <= end
        for times in device.shown.values()
        for number in (bisect_left(times, start),)
    )
