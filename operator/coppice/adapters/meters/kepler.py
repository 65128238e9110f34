"""Kepler, 0.10 and newer: CPU and memory energy of a pod, by zone of the processor.

Zones overlap: `package` holds `core` and `uncore`, `psys` holds all. So only package and dram are used. A series begins
at 0 with the pod, and a finished pod moves to state="terminated" with its last value, so both states are one counter.

What Kepler gives a pod is its share by CPU time of what it calls active, which holds idle power of a node that works.
So its share is taken of what the node drew above its power at rest instead: the lowest power that was seen, and no
more than the profile's idle watts, which `host_idle` bears. Without the node's series Kepler's own figure stands, and
its source says so.
"""

from collections.abc import Iterable, Mapping, Sequence

from coppice.accounting.idle_first import Rest, at_rest
from coppice.accounting.metered import Metered, metered
from coppice.accounting.samples import Sample, Segment, counter_segments, merged, within
from coppice.adapters.meters.kepler_node import ZONES, NodeView
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.meters.prometheus import Series
from coppice.api.vocabulary import Component, Grade

NAME = "kepler_pod_cpu_joules_total"
ZONE_NAMES = {Component.CPU: "package", Component.MEMORY: "dram"}
MOST_MEMORY_WATTS_PER_HOST = 400.0
"""Two dozen DIMMs of 10 to 15 W each: a figure above is no memory's."""

FIRST_SAMPLE_SECONDS = 90.0
"""Within which a pod's first sample must come for its series to have begun with the pod."""

LATE_SECONDS = 30.0
"""A terminated pod is exported by the next scrapes; its last value holds until its end."""

SOURCES = {frozenset({True}): "kepler, idle first", frozenset({True, False}): "kepler, idle first in part"}
"""By whether the power at rest was taken off: all the time, here and there; else it is Kepler's own figure."""


def selector(uids: Iterable[str]) -> str:
    """Series of these pods alone; the zones that count."""
    return f'{NAME}{{pod_id=~"{"|".join(sorted(uids))}",zone=~"{ZONES}"}}'


def readings(
    pod: MeteredPod, series: Sequence[Series], now: float, node: Sequence[NodeView] = ()
) -> tuple[Metered, ...]:
    """CPU and memory of one pod, as far as there are series of it; `node` is what there is of its node."""
    own = [item for item in series if item.labels.get("pod_id") == pod.uid]
    zones = {zone: component for component in ZONE_NAMES for zone in _zones(own, component)}
    views = {
        zone: [
            view.drawn(_most_watts(pod, component)).within(*pod.looked_at(now))
            for view in node
            if view.zone == zone and any(view.beside(item.labels) for item in own)
        ]
        for zone, component in zones.items()
    }
    rest = at_rest(views, float(pod.profile.host.idle_watts))
    found = (_component(pod, own, component, now, rest) for component in ZONE_NAMES)
    return tuple(item for item in found if item is not None)


def _component(
    pod: MeteredPod, series: Sequence[Series], component: Component, now: float, rest: Mapping[str, Rest]
) -> Metered | None:
    zones = _zones(series, component)
    parts = [_zone(pod, [item for item in series if item.labels.get("zone") == zone], component, now) for zone in zones]
    if not parts or not all(parts):
        return None
    split = [_idle_first(part, rest.get(zone)) for zone, part in zip(zones, parts, strict=True)]
    source = SOURCES.get(frozenset(known for _, everywhere in split for known in everywhere), "kepler")
    return metered(component, Grade.MEASURED, source, _added([part for part, _ in split]))


def _zones(series: Sequence[Series], component: Component) -> list[str]:
    """The sum over sockets; the sockets beside it would count twice."""
    name = ZONE_NAMES[component]
    zones = sorted({zone for item in series if (zone := item.labels.get("zone", "")).split("-", maxsplit=1)[0] == name})
    return [name] if name in zones else zones


def _idle_first(segments: Sequence[Segment], rest: Rest | None) -> tuple[list[Segment], set[bool]]:
    """What is above rest where the node was seen, and whether it was, now and then or always."""
    above = [rest.above(segment) if rest else None for segment in segments]
    known = {new is not None for new, old in zip(above, segments, strict=True) if old.joules}
    return [new or old for new, old in zip(above, segments, strict=True)], known or {rest is not None}


def _most_watts(pod: MeteredPod, component: Component) -> float:
    return float(pod.profile.host.peak_watts) if component is Component.CPU else MOST_MEMORY_WATTS_PER_HOST


def _zone(pod: MeteredPod, series: Sequence[Series], component: Component, now: float) -> list[Segment]:
    streams: dict[frozenset[tuple[str, str]], list[Sample]] = {}
    for item in series:
        view = frozenset((key, value) for key, value in item.labels.items() if key != "state")
        streams.setdefault(view, []).extend(item.samples)
    ended = pod.end is not None and any(one.at > pod.end for stream in streams.values() for one in stream)
    samples = merged([_whole(pod, stream, ended=ended) for stream in streams.values()], counter=True)
    segments = counter_segments(samples, _most_watts(pod, component), current=True)
    return within(segments, pod.start, pod.until(now))


def _whole(pod: MeteredPod, stream: list[Sample], *, ended: bool) -> list[Sample]:
    """The stream with the 0 that it began with, and with its last value at the pod's end.

    A terminated pod may be shown to one of two scrapers alone: where one saw how it `ended`, the other does not guess.
    """
    ordered = sorted(stream, key=lambda sample: sample.at)
    first, last = ordered[0], ordered[-1]
    if 0 <= first.at - pod.start <= FIRST_SAMPLE_SECONDS:
        ordered = [Sample(pod.start, 0.0), *ordered]
    if pod.end is not None and not ended and pod.end - LATE_SECONDS <= last.at < pod.end:
        ordered = [*ordered, Sample(pod.end, last.value)]
    if pod.end is not None and last.at > pod.end:
        # What terminated pods still show is what they had used when they ended.
        ordered = [sample for sample in ordered if sample.at < pod.end] + [Sample(pod.end, last.value)]
    return ordered


def _added(parts: Sequence[list[Segment]]) -> list[Segment]:
    """Sockets together. They are scraped at once, so their segments have the same times."""
    by_time: dict[tuple[float, float], list[float]] = {}
    for segments in parts:
        for segment in segments:
            by_time.setdefault((segment.start, segment.end), []).append(segment.joules)
    return [Segment(*time, sum(joules)) for time, joules in by_time.items() if len(joules) == len(parts)]
