"""NVIDIA's dcgm-exporter: which device drew what, and which pod it was given to.

The counter is in mJ since the driver was loaded and the power in W. Pod labels come in four spellings: renamed by a
scrape without honorLabels (`exported_pod`, while `pod` is the exporter's own), plain, of the old mode (`pod_name`),
and none where the exporter does not map pods at all. The map is read when scraped, so a device's whole series is
used, whatever pod it shows, and only the times at which a pod is shown come from the labels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from coppice.accounting.devices import Device, Share, share_of, summed
from coppice.accounting.metered import Metered, metered
from coppice.accounting.presence import Span
from coppice.accounting.samples import Sample
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.meters.prometheus import Series
from coppice.api.vocabulary import Component, Grade

ENERGY, POWER = "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", "DCGM_FI_DEV_POWER_USAGE"
SELECTOR = f'{{__name__=~"{ENERGY}|{POWER}"}}'
JOULES_PER_MILLIJOULE = 0.001

SPELLINGS = (("exported_namespace", "exported_pod"), ("pod_namespace", "pod_name"), ("namespace", "pod"))
WHO = {"namespace", "pod", "container", "exported_namespace", "exported_pod", "exported_container", "pod_uid"} | {
    "pod_name",
    "pod_namespace",
    "container_name",
}
"""Labels that change when a device is given to another pod; without them a stream is one exporter's view."""


@dataclass
class _Seen:
    """One device while its series are read."""

    streams: dict[str, dict[frozenset[tuple[str, str]], list[Sample]]] = field(
        default_factory=lambda: {ENERGY: {}, POWER: {}}
    )
    shown: dict[str, list[float]] = field(default_factory=dict)
    instances: dict[str, dict[str, int]] = field(default_factory=dict)

    def device(self, reserved: Mapping[str, Span]) -> Device:
        return Device(
            counters=[_ordered(stream) for stream in self.streams[ENERGY].values()],
            powers=[_ordered(stream) for stream in self.streams[POWER].values()],
            shown={pod: sorted(set(times)) for pod, times in self.shown.items()},
            instances=self.instances,
            reserved={pod: reserved[pod] for pod in self.shown if pod in reserved},
        )


def devices(series: Iterable[Series], reserved: Mapping[str, Span]) -> dict[str, Device]:
    """Devices by UUID, with the reserved times of pods that are known. Pods are named `namespace/name`."""
    series = [item for item in series if item.labels.get("UUID") or item.labels.get("uuid")]
    renamed = any(item.labels.get("exported_pod") for item in series)
    seen: dict[str, _Seen] = {}
    for item in series:
        _note(seen.setdefault(item.labels.get("UUID") or item.labels["uuid"], _Seen()), item, renamed)
    return {uuid: one.device(reserved) for uuid, one in seen.items()}


def accelerator(pod: MeteredPod, known: Mapping[str, Device], now: float) -> Metered | None:
    """The pod's accelerators together: Measured, or Estimated where a device was divided; None where none shows it."""
    if not pod.accelerators or pod.profile.accelerator is None:
        return None
    name = pod.full_name
    most, until = float(pod.profile.accelerator.peak_watts), pod.until(now)
    given = [device for device in known.values() if _given(device, name, pod.start, until)]
    shares = [share_of(device, name, pod.start, until, most) for device in given]
    # Of a divided device a pod may have several parts; of whole ones it must show as many as it reserved.
    if not shares or (len(shares) < pod.accelerators and not any(share.divided for share in shares)):
        return None
    return _metered(shares)


def _metered(shares: list[Share]) -> Metered | None:
    divided = any(share.divided for share in shares)
    sources = sorted({source for share in shares for source in share.sources})
    grade = Grade.ESTIMATED if divided else Grade.MEASURED
    source = "+".join(sources) + (", divided" if divided else "")
    return metered(Component.ACCELERATOR, grade, source, summed(shares))


def _given(device: Device, pod: str, start: float, end: float) -> bool:
    return any(start <= at <= end for at in device.shown.get(pod, ()))


def _note(seen: _Seen, item: Series, renamed: bool) -> None:
    name = item.labels.get("__name__", "")
    if name not in seen.streams:
        return
    factor = JOULES_PER_MILLIJOULE if name == ENERGY else 1.0
    view = frozenset((key, value) for key, value in item.labels.items() if key not in WHO and not _instance(key))
    seen.streams[name].setdefault(view, []).extend(Sample(one.at, one.value * factor) for one in item.samples)
    pod = _pod(item.labels, renamed)
    if pod:
        seen.shown.setdefault(pod, []).extend(one.at for one in item.samples)
        profile, instance = item.labels.get("GPU_I_PROFILE", ""), item.labels.get("GPU_I_ID", "")
        if profile:
            seen.instances.setdefault(pod, {})[instance] = _slices(profile)


def _instance(label: str) -> bool:
    return label.startswith("GPU_I_")


def _pod(labels: Mapping[str, str], renamed: bool) -> str:
    for namespace, pod in SPELLINGS[:2] if renamed else SPELLINGS:
        if labels.get(pod):
            return f"{labels.get(namespace, '')}/{labels[pod]}"
    return ""


def _slices(profile: str) -> int:
    """Compute slices of a MIG profile: `3g.40gb` has 3, `1c.3g.40gb` as well. One where it says nothing."""
    numbers = [part[:-1] for part in profile.split(".") if part.endswith("g") and part[:-1].isdigit()]
    return int(numbers[0]) if numbers else 1


def _ordered(stream: list[Sample]) -> list[Sample]:
    return sorted(stream, key=lambda sample: sample.at)
