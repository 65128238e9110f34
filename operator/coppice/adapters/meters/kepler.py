"""Kepler, 0.10 and newer: CPU and memory energy of a pod, by zone of the processor.

Zones overlap: `package` holds `core` and `uncore`, `psys` holds all. So only package and dram are used. A pod gets
active power alone, which is what the account's `cpu` means; idle power is `host_idle`. A series begins at 0 with the
pod, and a finished pod moves to state="terminated" with its last value, so both states are one counter.
"""

from collections.abc import Iterable, Sequence

from coppice.accounting.metered import Metered, metered
from coppice.accounting.samples import Sample, Segment, counter_segments, merged, within
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.meters.prometheus import Series
from coppice.api.vocabulary import Component, Grade

NAME = "kepler_pod_cpu_joules_total"
ZONES = {Component.CPU: "package", Component.MEMORY: "dram"}
MOST_MEMORY_WATTS_PER_HOST = 400.0
"""Two dozen DIMMs of 10 to 15 W each: a figure above is no memory's."""

FIRST_SAMPLE_SECONDS = 90.0
"""Within which a pod's first sample must come for its series to have begun with the pod."""

LATE_SECONDS = 30.0
"""A terminated pod is exported by the next scrapes; its last value holds until its end."""


def selector(uids: Iterable[str]) -> str:
    """Series of these pods alone; the zones that count."""
    return f'{NAME}{{pod_id=~"{"|".join(sorted(uids))}",zone=~"package(-[0-9]+)?|dram(-[0-9]+)?"}}'


def readings(pod: MeteredPod, series: Sequence[Series], now: float) -> tuple[Metered, ...]:
    """CPU and memory of one pod, as far as there are series of it."""
    own = [item for item in series if item.labels.get("pod_id") == pod.uid]
    found = (_component(pod, own, component, now) for component in (Component.CPU, Component.MEMORY))
    return tuple(item for item in found if item is not None)


def _component(pod: MeteredPod, series: Sequence[Series], component: Component, now: float) -> Metered | None:
    zones = sorted({item.labels.get("zone", "") for item in series if _of(item, ZONES[component])})
    if ZONES[component] in zones:
        zones = [ZONES[component]]  # the sum over sockets; the sockets beside it would count twice
    parts = [_zone(pod, [item for item in series if item.labels.get("zone") == zone], component, now) for zone in zones]
    if not parts or not all(parts):
        return None
    return metered(component, Grade.MEASURED, "kepler", _added(parts))


def _zone(pod: MeteredPod, series: Sequence[Series], component: Component, now: float) -> list[Segment]:
    streams: dict[frozenset[tuple[str, str]], list[Sample]] = {}
    for item in series:
        view = frozenset((key, value) for key, value in item.labels.items() if key != "state")
        streams.setdefault(view, []).extend(item.samples)
    ended = pod.end is not None and any(one.at > pod.end for stream in streams.values() for one in stream)
    samples = merged([_whole(pod, stream, ended=ended) for stream in streams.values()], counter=True)
    host = pod.profile.host
    most = float(host.peak_watts) if component is Component.CPU else MOST_MEMORY_WATTS_PER_HOST
    return within(counter_segments(samples, most, current=True), pod.start, pod.until(now))


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


def _of(item: Series, zone: str) -> bool:
    return item.labels.get("zone", "").split("-", maxsplit=1)[0] == zone


def _added(parts: Sequence[list[Segment]]) -> list[Segment]:
    """Sockets together. They are scraped at once, so their segments have the same times."""
    by_time: dict[tuple[float, float], list[float]] = {}
    for segments in parts:
        for segment in segments:
            by_time.setdefault((segment.start, segment.end), []).append(segment.joules)
    return [Segment(*time, sum(joules)) for time, joules in by_time.items() if len(joules) == len(parts)]
