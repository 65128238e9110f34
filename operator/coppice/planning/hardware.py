"""Accelerator configurations: what one attempt could run on, from the ComputeProfiles that the job allows.

The smallest configuration is tried first: more devices shorten a job and rarely save energy. Only a bound that the
user states (`resources.acceleratorsPerPod`), or a plan that one accelerator does not hold, opens larger ones, in powers
of two.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import cast

from coppice.accounting.share import host_share
from coppice.accounting.units import quantity
from coppice.accounting.use import PodUse
from coppice.api.computeprofile import Accelerator, ComputeProfile
from coppice.api.trainingjob import Resources
from coppice.planning.accelerators import accelerators
from coppice.planning.column import at_least, at_most, is_column
from coppice.planning.lognormal import LogNormal
from coppice.planning.sharding import SINGLE, Layout
from coppice.planning.utilisation import (
    REFERENCE_BYTES_PER_FLOP,
    Device,
    Rates,
    Shape,
    accelerator_rates,
    cpu_rates,
)
from coppice.workloads.requests import BESIDE_MODEL_BYTES, MIB, requests

DTYPES = ("bf16", "fp16", "tf32", "fp32")
"""Data types in order of preference; a device lists those it supports."""
HALF_PRECISION = frozenset({"bf16", "fp16"})
TERA = 1e12


@dataclass(frozen=True)
class Hardware:
    """One configuration: accelerators (0: CPU) and cores of each pod, and the memory one device or pod may fill.

    `layout` says how a training lies on its devices; it is chosen when the network is known (see `fitting`).
    """

    profile: ComputeProfile
    accelerators: int
    pods: int
    cores: float
    memory_bytes: int
    dtype: str
    peak_flops: float
    asked: Resources
    layout: Layout = SINGLE

    @cached_property
    def kind(self) -> str:
        """`cpu` or `accelerator`."""
        return "accelerator" if self.accelerators else "cpu"

    @cached_property
    def devices(self) -> int:
        """Accelerators of all pods; on CPU its pods."""
        return max(self.accelerators, 1) * self.pods

    def rates(self, shape: Shape) -> Rates:
        """What a network of that shape gets out of it."""
        if self.accelerators:
            return accelerator_rates(self.device, self.devices, shape)
        return cpu_rates(self.peak_flops, self.cores, shape.hidden_size)

    @cached_property
    def device(self) -> Device:
        """One of its accelerators: the profile's figures, and what the table of accelerators adds to them."""
        accelerator = self.profile.spec.accelerator
        known = accelerators().get(accelerator.hardware) if accelerator else None
        peak, stated = self.peak_flops / self.devices, accelerator and accelerator.memory_gigabytes_per_second
        bandwidth = float(stated) * 1e9 if stated else known.bytes_per_second if known else None
        return Device(
            peak_flops=peak,
            bytes_per_second=bandwidth or self._half_precision_peak() * REFERENCE_BYTES_PER_FLOP,
            generation=known.generation if known else "",
            value_bytes=2 if self.dtype in HALF_PRECISION else 4,
        )

    def _half_precision_peak(self) -> float:
        accelerator = self.profile.spec.accelerator
        peaks = accelerator.peak_tera_flops if accelerator else {}
        return float(max(peaks.values(), default=0)) * TERA or self.peak_flops / self.devices

    def reserved_bytes(self, needed_bytes: float) -> int:
        """Memory of the host that one pod reserves when the device needs so much, as its manifest will say."""
        if self._always_reserved:
            return self._always_reserved
        if is_column(needed_bytes):
            return self._requested_column(needed_bytes)
        return self._requested_bytes(int(needed_bytes))

    def share(self, reserved_bytes: int) -> float:
        """Share of its host that one pod bears, by the rule of the account: accelerators, else cores or memory."""
        if self.accelerators:
            return self._share_by_cores
        bearable, per_byte = self._share_by_memory
        return at_least(self._share_by_cores, at_most(reserved_bytes * per_byte, 1.0) * bearable)

    @cached_property
    def embodied(self) -> dict[float, LogNormal]:
        """Embodied kilograms by the share of the host, as far as anybody asked."""
        return {}

    @cached_property
    def host_watts(self) -> tuple[float, float]:
        """Power of the host at rest, and of one core above it."""
        host = self.profile.spec.host
        return float(host.idle_watts), float(host.peak_watts - host.idle_watts) / host.cores

    @cached_property
    def _always_reserved(self) -> int:
        """What a pod reserves whatever it needs; 0 where it depends."""
        return self._requested_bytes(0) if self.accelerators or self.asked.memory else 0

    def _requested_bytes(self, needed_bytes: int) -> int:
        return requests(self.asked, self.profile, self.accelerators, needed_bytes).memory_bytes

    def _requested_column(self, needed_bytes: float) -> int:
        """The same of many needs: what a pod asks for beside the need, between the least and the most of this host."""
        least, most = self._requested_bytes(0), self._requested_bytes(int(quantity(self.profile.spec.host.memory)))
        wanted = (needed_bytes + BESIDE_MODEL_BYTES) // MIB * MIB
        return cast("int", at_most(at_least(wanted, float(least)), float(most)))

    @cached_property
    def _share_by_cores(self) -> float:
        moment = datetime(2000, 1, 1, tzinfo=UTC)
        cores = Decimal(str(self.cores))
        pod = PodUse(uid="", start=moment, end=moment, accelerators=self.accelerators, cpu_request=cores)
        return float(host_share(pod, None, self.profile.spec))

    @cached_property
    def _share_by_memory(self) -> tuple[float, float]:
        """What a pod that filled the host would bear, and the part of the host's memory that one byte is."""
        spec = self.profile.spec
        bearable = 1.0 if spec.accelerator is None else float(spec.host.cpu_only_share)
        return bearable, 1.0 / max(float(quantity(spec.host.memory)), 1.0)


def configurations(profile: ComputeProfile, resources: Resources, *, as_asked: bool = False) -> Iterator[Hardware]:
    """The configurations of one profile within the job's bounds.

    `as_asked` takes the bounds as they stand, for a user's own container that was written for them.
    """
    device = profile.spec.accelerator
    pods = (resources.pods or 1) if as_asked else 1
    if device is None or resources.accelerators_per_pod == 0:
        yield from _on_cpu(profile, resources, pods)
        return
    most = min(resources.accelerators_per_pod or 1, device.per_node)
    counts = [most] if as_asked else [2**power for power in range(most.bit_length()) if 2**power <= most]
    dtype = next((name for name in DTYPES if name in device.peak_tera_flops), None)
    for count in counts if dtype else ():
        yield _on_accelerators(profile, device, str(dtype), count, pods, resources)


def templated_configurations(
    profile: ComputeProfile, resources: Resources, asked: Mapping[str, int]
) -> Iterator[Hardware]:
    """The configuration of one profile that a user's own pod template asks for; none where the profile lacks it.

    `asked` are the template's extended resources, by name. A template that asks for none runs on nodes without
    accelerators, unless the job says `acceleratorsPerPod: 0` and so means the CPU of any node.
    """
    device = profile.spec.accelerator
    if not asked:
        if device is None or resources.accelerators_per_pod == 0:
            yield from _on_cpu(profile, resources, resources.pods or 1)
        return
    count = asked.get(device.resource_name, 0) if device else 0
    bound = resources.accelerators_per_pod
    if device and 0 < count <= device.per_node and (bound is None or count <= bound):
        wanted = resources.model_copy(update={"accelerators_per_pod": count})
        yield from configurations(profile, wanted, as_asked=True)


def _on_cpu(profile: ComputeProfile, resources: Resources, pods: int) -> Iterator[Hardware]:
    host = profile.spec.host
    if host.peak_tera_flops is None:
        return
    asked = requests(resources, profile, 0, int(quantity(host.memory)))
    cores = min(float(asked.cpu_cores), float(host.cores))
    memory = min(asked.memory_bytes, int(quantity(host.memory)))
    peak = float(host.peak_tera_flops) * TERA * cores / host.cores * pods
    yield Hardware(profile, 0, pods, cores, memory, "fp32", peak, resources, Layout(pods))


def _on_accelerators(
    profile: ComputeProfile, device: Accelerator, dtype: str, count: int, pods: int, resources: Resources
) -> Hardware:
    cores = float(requests(resources, profile, count).cpu_cores)
    peak = float(device.peak_tera_flops[dtype]) * TERA * count * pods
    memory = int(quantity(device.memory))
    return Hardware(profile, count, pods, cores, memory, dtype, peak, resources, Layout(count * pods))
