"""Which part of a node a pod bears: SCI counts what is reserved, not only what is used.

Shares of one node never exceed 1: on an accelerator node the accelerators divide what pods without accelerators do
not bear, and those divide their declared residual.
"""

from decimal import Decimal

from coppice.accounting.units import quantity
from coppice.accounting.use import PodUse
from coppice.api.computeprofile import ComputeProfileSpec
from coppice.api.result import Result, Usage

WHOLE = Decimal(1)


def host_share(pod: PodUse, usage: Usage | None, profile: ComputeProfileSpec) -> Decimal:
    """The pod's share of its host, 0 to 1.

    Accelerator nodes: accelerators requested / on the node. CPU nodes: the larger of the cpu and the memory share,
    of max(request, used). A CPU pod that requests nothing and says nothing bears the whole node.
    """
    if profile.accelerator is None:
        return cpu_share(pod, usage, profile)
    residual = profile.host.cpu_only_share
    if not pod.accelerators:
        return residual * cpu_share(pod, usage, profile)
    return (1 - residual) * min(Decimal(pod.accelerators) / profile.accelerator.per_node, WHOLE)


def cpu_share(pod: PodUse, usage: Usage | None, profile: ComputeProfileSpec) -> Decimal:
    """The larger of the cpu and the memory share of max(request, used), 0 to 1."""
    cores = max(pod.cpu_request, _used_cores(pod, usage)) / profile.host.cores
    memory = Decimal(max(pod.memory_request_bytes, _used_bytes(usage))) / max(quantity(profile.host.memory), WHOLE)
    return min(max(cores, memory), WHOLE) or WHOLE


def reserved_cores(pod: PodUse, profile: ComputeProfileSpec) -> Decimal:
    """Cores that the pod reserved: its request, or without one its share of the node's."""
    return pod.cpu_request or host_share(pod, None, profile) * profile.host.cores


def _used_cores(pod: PodUse, usage: Usage | None) -> Decimal:
    if usage is None or usage.cpu_seconds is None or not pod.reserved_seconds:
        return Decimal(0)
    return usage.cpu_seconds / pod.reserved_seconds


def _used_bytes(usage: Usage | None) -> int:
    return (usage.peak_memory_bytes or 0) if isinstance(usage, Result) else 0
