"""Stand-ins for dcgm-exporter and Kepler: hardware that is known, shown with their metric names and labels.

`Fleet` is the truth: watts by device and by pod for each second. `scrape` gives what a Prometheus stores of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

from coppice.accounting.samples import Sample
from coppice.adapters.meters.prometheus import Series

T0 = 1_772_366_400.0
"""2026-03-01 12:00 UTC; the fleet's second 0."""

DCGM = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION"
POWER = "DCGM_FI_DEV_POWER_USAGE"
KEPLER = "kepler_pod_cpu_joules_total"


@dataclass
class Gpu:
    """A device with even watts, or those of each second, and who has it when: (namespace, pod, first, last second)."""

    uuid: str
    watts: float = 300.0
    given: Sequence[tuple[str, str, int, int]] = ()
    reset_at: int | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    curve: Sequence[float] = ()

    def millijoules(self, second: int) -> float:
        """Since the driver was loaded."""
        if self.reset_at is not None and second >= self.reset_at:
            return 1000 * (self._joules(second) - self._joules(self.reset_at))
        return 5e9 + 1000 * self._joules(second)

    def power(self, second: int) -> float:
        """In watts."""
        return self.curve[second] if self.curve else self.watts

    def _joules(self, second: int) -> float:
        return self._until[second] if self.curve else self.watts * second

    @cached_property
    def _until(self) -> tuple[float, ...]:
        return tuple(accumulate(self.curve, initial=0.0))


def dcgm(
    gpus: Iterable[Gpu], seconds: Iterable[int], *, renamed: bool = True, instance: str = "10.0.0.1:9400",
    metrics: Sequence[str] = (DCGM, POWER), mapped: bool = True,
) -> list[Series]:  # fmt: skip
    """What scrapes at these seconds see of dcgm-exporter; `renamed` is a scrape without honorLabels."""
    found: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for second in seconds:
        for gpu in gpus:
            holders = [held for held in gpu.given if held[2] <= second <= held[3]] if mapped else []
            for held in holders or [("", "", 0, 0)]:
                labels = {
                    "gpu": "0", "UUID": gpu.uuid, "device": "nvidia0", "modelName": "NVIDIA H100 80GB HBM3",
                    "Hostname": "node-1", "instance": instance, **gpu.extra,
                }  # fmt: skip
                own = {"namespace": "gpu-operator", "pod": "dcgm-exporter-x7k2p", "container": "exporter"}
                labels |= _who(held, own, renamed)
                for metric in metrics:
                    value = gpu.millijoules(second) if metric == DCGM else gpu.power(second)
                    key = tuple(sorted({**labels, "__name__": metric}.items()))
                    found.setdefault(key, []).append(Sample(T0 + second, value))
    return [Series(dict(key), tuple(samples)) for key, samples in found.items()]


def _who(held: tuple[str, str, int, int], own: Mapping[str, str], renamed: bool) -> dict[str, str]:
    namespace, pod, *_ = held
    if not renamed:
        return {"namespace": namespace, "pod": pod, "container": "trainer"} if pod else {}
    exported = {"exported_namespace": namespace, "exported_pod": pod, "exported_container": "trainer"} if pod else {}
    return {**own, **exported}


def kepler(
    uid: str, watts: float, start: int, end: int, seconds: Iterable[int],
    *, zones: Mapping[str, float] | None = None, restart_at: int | None = None, instance: str = "10.0.0.1:28282",
) -> list[Series]:  # fmt: skip
    """What scrapes see of Kepler: a counter by zone from the pod's start; after its end state="terminated"."""
    found: dict[tuple[tuple[str, str], ...], list[Sample]] = {}
    for second in seconds:
        if second <= start:
            continue
        for zone, factor in (zones or {"package": 1.0, "dram": 0.1, "core": 0.8, "psys": 1.5}).items():
            state = "running" if second <= end else "terminated"
            begun = restart_at if restart_at is not None and second > restart_at else start
            joules = watts * factor * max(min(second, end) - begun, 0)
            labels = {
                "__name__": KEPLER, "pod_id": uid, "pod_name": "topics-0a1b2-1-0", "pod_namespace": "research",
                "state": state, "zone": zone, "node_name": "node-1", "instance": instance,
            }  # fmt: skip
            found.setdefault(tuple(sorted(labels.items())), []).append(Sample(T0 + second, joules))
    return [Series(dict(key), tuple(samples)) for key, samples in found.items()]
