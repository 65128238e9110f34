"""The layout that a configuration runs a plan with: the least costly one that its memory holds.

A layout that recomputes activations or divides weights is slower, so it is taken only where the simpler one does not
fit by the high estimate. The built-in trainer offers what it can run: one pod, data parallel, with or without
recomputation. A user's own container may shard, and nobody knows whether it does: it is given the benefit.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from coppice.planning.column import any_of, at_least
from coppice.planning.hardware import Hardware
from coppice.planning.lognormal import LogNormal
from coppice.planning.memory import FROZEN, memory
from coppice.planning.network import Network
from coppice.planning.sharding import Layout, layouts
from coppice.planning.workload import Effort, Workload

GIBIBYTE = 2**30


@dataclass(frozen=True)
class Fit:
    """A configuration with the layout chosen for a plan, the memory that it needs, and its high estimate in bytes."""

    hardware: Hardware
    needed: LogNormal
    needed_bytes: float

    @property
    def fits(self) -> bool:
        """Whether one device, or the pod on CPU, holds it."""
        return self.needed_bytes <= self.hardware.memory_bytes


def laid_out(
    effort: Effort,
    network: Network,
    hardware: Hardware,
    *,
    may_shard: bool = False,
    factor: float = 1.0,
    least_bytes: float = 0.0,
    work: Workload | None = None,
) -> Fit:
    """The configuration with the first layout that fits; where none does, with the one that needs least.

    `factor` is what finished jobs taught about the need, `least_bytes` what the model is known to need at least, `work`
    the effort on the network where somebody has it.
    """
    work = work or effort.on(network)
    closest: Fit | None = None
    for layout in possible_layouts(effort, network, hardware, may_shard=may_shard):
        needed = needed_memory(effort, network, hardware, layout, work, factor=factor, least_bytes=least_bytes)
        found = Fit(_with(hardware, layout), needed, needed.high)
        if found.fits:
            return found
        if closest is None or found.needed_bytes < closest.needed_bytes:
            closest = found
    assert closest is not None
    return closest


def needed_memory(
    effort: Effort,
    network: Network,
    hardware: Hardware,
    layout: Layout,
    work: Workload,
    *,
    factor: float = 1.0,
    least_bytes: float = 0.0,
) -> LogNormal:
    """The memory that a plan needs with a layout, by formula, what was learned, and what the model is known to need."""
    needed = memory(network, effort.method, work, hardware, layout=layout)
    return LogNormal(at_least(needed.median * factor, least_bytes), needed.sigma)


def shortfall(name: str, fits: Iterable[Fit]) -> str:
    """What a plan needs and what there is, on the configuration that comes closest. There must be one."""
    fit = min(fits, key=lambda one: one.needed_bytes / one.hardware.memory_bytes)
    where = f"one {_device(fit.hardware)} of ComputeProfile {fit.hardware.profile.metadata.name}"
    if not fit.hardware.accelerators and fit.hardware.asked.memory:
        where = f"a pod with the job's resources.memory ({fit.hardware.asked.memory})"
    extra = fit.hardware.layout.inputs()
    how = f" ({', '.join(f'{key} {value}' for key, value in extra.items())})" if extra else ""
    sizes = (fit.needed_bytes, fit.hardware.memory_bytes)
    needed, there = (f"{int(size)} bytes ({size / GIBIBYTE:.1f} GiB)" for size in sizes)
    return f"{name} needs {needed} of memory by its high estimate{how}, and {where} has {there}"


def possible_layouts(effort: Effort, network: Network, hardware: Hardware, *, may_shard: bool) -> tuple[Layout, ...]:
    """The layouts to try, the least costly first; of a column of networks those of any that may be computed again."""
    may_recompute = effort.method not in FROZEN and network.shape is not None and any_of(network.traits.recomputable)
    return layouts(
        hardware.devices,
        may_shard=may_shard,
        may_recompute=may_recompute,
        recompute=effort.recompute if may_recompute else None,
    )


def _device(hardware: Hardware) -> str:
    if not hardware.accelerators:
        return "pod on CPU"
    accelerator = hardware.profile.spec.accelerator
    return (accelerator.product if accelerator else "") or "accelerator"


def _with(hardware: Hardware, layout: Layout) -> Hardware:
    return hardware if layout == hardware.layout else replace(hardware, layout=layout)
