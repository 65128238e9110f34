"""A node whose power and processes are known for each second, shown by Kepler's rule with its names and labels.

Each second the package draws its idle power and something above it. Kepler calls active the share of time in which
processors worked of all of it, and divides that among processes by their CPU time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from coppice.accounting.samples import Sample
from coppice.adapters.meters.prometheus import Series
from exporters import KEPLER, T0

ACTIVE, IDLE = "kepler_node_cpu_active_joules_total", "kepler_node_cpu_idle_joules_total"
SINCE_BOOT_JOULES = 50_000.0


@dataclass
class Node:
    """`above` is watts above idle and `used` CPU seconds by process, both in each second; `spans` has when pods run."""

    idle_watts: float
    above: Sequence[float]
    used: Mapping[str, Sequence[float]]
    spans: Mapping[str, tuple[int, int]]
    cores: int = 8
    zones: Mapping[str, float] = field(default_factory=lambda: {"package": 1.0})
    """Each draws so many times as much."""

    def joules(self, second: int) -> float:
        """What the package has drawn by then."""
        return SINCE_BOOT_JOULES + self._drawn[second]

    def scraped(self, seconds: Iterable[int], *, restart_at: int = 0, **labels: str) -> list[Series]:
        """What scrapes at these seconds see; a Kepler that restarted calls idle all that its counter has since boot."""
        seconds = list(seconds)
        who = {"node_name": "node-1", "instance": "10.0.0.1:28282", **labels}
        found = []
        for zone, factor in self.zones.items():
            at_node = {**who, "zone": zone, "path": "/sys/class/powercap/intel-rapl:0"}
            active = {
                second: self._active[second] - self._begun(self._active, second, restart_at) for second in seconds
            }
            idle = {second: self.joules(second) - active[second] for second in seconds}
            found += [_series(ACTIVE, at_node, active, factor), _series(IDLE, at_node, idle, factor)]
            for uid, (start, end) in self.spans.items():
                of_pod = {**who, "zone": zone, "pod_id": uid, "pod_name": uid, "pod_namespace": "research"}
                until = self._until(uid)
                shown = {
                    second: until[min(second, end)] - max(until[start], self._begun(until, second, restart_at))
                    for second in seconds
                    if second > start and not (end < restart_at < second)
                }
                for state, ended in (("running", False), ("terminated", True)):
                    values = {second: value for second, value in shown.items() if (second > end) is ended}
                    found.append(_series(KEPLER, {**of_pod, "state": state}, values, factor))
        return [one for one in found if one.samples]

    def share(self, uid: str, second: int) -> float:
        """Of the CPU time of all processes in a second."""
        return self.used[uid][second] / self._worked[second] if self._worked[second] else 0.0

    @staticmethod
    def _begun(until: Sequence[float], second: int, restart_at: int) -> float:
        return until[restart_at] if second > restart_at else 0.0

    @cached_property
    def _worked(self) -> list[float]:
        return [sum(every) for every in zip(*self.used.values(), strict=True)]

    @cached_property
    def _drawn(self) -> list[float]:
        return list(accumulate((self.idle_watts + watts for watts in self.above), initial=0.0))

    @cached_property
    def _called_active(self) -> list[float]:
        every = zip(self.above, self._worked, strict=True)
        return [(self.idle_watts + watts) * worked / self.cores for watts, worked in every]

    @cached_property
    def _active(self) -> list[float]:
        return list(accumulate(self._called_active, initial=0.0))

    def _until(self, uid: str) -> list[float]:
        return list(
            accumulate((self.share(uid, second) * one for second, one in enumerate(self._called_active)), initial=0.0)
        )


def _series(name: str, labels: Mapping[str, str], values: Mapping[int, float], factor: float) -> Series:
    samples = tuple(Sample(T0 + second, value * factor) for second, value in values.items())
    return Series({**labels, "__name__": name}, samples)
