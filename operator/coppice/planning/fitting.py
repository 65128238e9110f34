"""The layout that a configuration runs a plan with: the least costly one that its memory holds.

A layout that recomputes activations or divides weights is slower, so it is taken only where the simpler one does not
fit by the high estimate. The built-in trainer offers what it can run: one pod, data parallel, with or without
recomputation. A user's own container may shard, and nobody knows whether it does: it is given the benefit.
"""

from dataclasses import replace

from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import Method
from coppice.planning.epochs import settings_of
from coppice.planning.hardware import Hardware
from coppice.planning.memory import FROZEN, memory
from coppice.planning.network import Network
from coppice.planning.sharding import Layout, layouts
from coppice.planning.workload import workload

GIBIBYTE = 2**30


def laid_out(
    spec: TrainingJobSpec,
    network: Network,
    method: Method,
    hardware: Hardware,
    *,
    may_shard: bool = False,
    factor: float = 1.0,
) -> Hardware:
    """The configuration with the first layout that fits; where none does, with the one that needs least.

    `factor` is what finished jobs taught about the need.
    """
    options = _options(spec, network, method, hardware, may_shard=may_shard)
    if len(options) == 1:
        return _with(hardware, options[0])
    work = workload(spec, network, method)
    least: tuple[float, Layout] | None = None
    for layout in options:
        high = memory(network, method, work, hardware, layout=layout).high * factor
        if high <= hardware.memory_bytes:
            return _with(hardware, layout)
        if least is None or high < least[0]:
            least = high, layout
    assert least is not None
    return _with(hardware, least[1])


def shortfall(name: str, needed_bytes: float, hardware: Hardware) -> str:
    """The sentence for a plan that does not fit its roomiest configuration, with what it needs and what is there."""
    where = f"one {_device(hardware)} of ComputeProfile {hardware.profile.metadata.name}"
    extra = hardware.layout.inputs()
    how = f" ({', '.join(f'{key} {value}' for key, value in extra.items())})" if extra else ""
    needed, there = (f"{int(size)} bytes ({size / GIBIBYTE:.1f} GiB)" for size in (needed_bytes, hardware.memory_bytes))
    return f"{name} needs {needed} of memory by its high estimate{how}, and {where} has {there}"


def _options(
    spec: TrainingJobSpec, network: Network, method: Method, hardware: Hardware, *, may_shard: bool
) -> tuple[Layout, ...]:
    may_recompute = method not in FROZEN and network.shape is not None and network.traits.recomputable
    wanted = settings_of(spec).gradient_checkpointing
    return layouts(
        hardware.devices, may_shard=may_shard, may_recompute=may_recompute, recompute=wanted if may_recompute else None
    )


def _device(hardware: Hardware) -> str:
    if not hardware.accelerators:
        return "pod on CPU"
    accelerator = hardware.profile.spec.accelerator
    return (accelerator.product if accelerator else "") or "accelerator"


def _with(hardware: Hardware, layout: Layout) -> Hardware:
    return hardware if layout == hardware.layout else replace(hardware, layout=layout)
