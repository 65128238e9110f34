"""How much of a node an attempt's pod asks for, where the job does not say.

Estimates, manifests and accounts use this one function, so that what was planned is what is reserved and what is
paid for. Requests equal limits: a pod that borrowed idle cores would be faster than estimated on an empty node and
slower on a full one, and its share of the node could not be told.
"""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from coppice.api.computeprofile import ComputeProfile, ComputeProfileSpec
from coppice.api.trainingjob import Resources
from coppice.workloads.quantity import bytes_text, cores_text, parse_quantity

MIB = 2**20
GIB = 2**30
ALLOCATABLE = Decimal("0.8")
"""Share of a node that pods may hope to get: the rest is for kubelet, system and daemons (an assumption)."""
MOST_CORES_WITHOUT_ACCELERATOR = Decimal(4)
"""More cores speed up small batches little and wait longer for a node (an assumption)."""
LEAST_MEMORY_BYTES = 2 * GIB
BESIDE_MODEL_BYTES = GIB
"""Data, tokenizer and the supervising process, which an estimate of a model's memory leaves out (an assumption)."""


@dataclass(frozen=True)
class Requests:
    """What one pod reserves: cores, bytes and pieces of the profile's accelerator."""

    cpu_cores: Decimal
    memory_bytes: int
    accelerators: int = 0

    def wire(self, resource_name: str) -> dict[str, str]:
        """As requests and limits of a container."""
        shown = {"cpu": cores_text(self.cpu_cores), "memory": bytes_text(self.memory_bytes)}
        return shown | ({resource_name: str(self.accelerators)} if self.accelerators else {})


def requests(
    asked: Resources | None, profile: ComputeProfile, accelerators: int, needed_bytes: int | None = None
) -> Requests:
    """What a pod with so many accelerators of a profile reserves; `needed_bytes` is an estimate of its memory."""
    cpu = parse_quantity(asked.cpu) if asked and asked.cpu else _cores(profile.spec, accelerators)
    if asked and asked.memory:
        return Requests(cpu, int(parse_quantity(asked.memory)), accelerators)
    return Requests(cpu, _memory_bytes(profile.spec, accelerators, needed_bytes), accelerators)


def _cores(profile: ComputeProfileSpec, accelerators: int) -> Decimal:
    share = _share(profile, accelerators)
    cores = max((profile.host.cores * ALLOCATABLE * share).to_integral_value(ROUND_FLOOR), Decimal(1))
    return cores if accelerators else min(cores, MOST_CORES_WITHOUT_ACCELERATOR)


def _memory_bytes(profile: ComputeProfileSpec, accelerators: int, needed_bytes: int | None) -> int:
    allocatable = int(parse_quantity(profile.host.memory) * ALLOCATABLE * _share(profile, accelerators))
    wanted = allocatable if accelerators else max((needed_bytes or 0) + BESIDE_MODEL_BYTES, LEAST_MEMORY_BYTES)
    return max(min(wanted, allocatable) // MIB, 1) * MIB


def _share(profile: ComputeProfileSpec, accelerators: int) -> Decimal:
    """The part of the node that goes with so many of its accelerators; a pod without any may use all of it."""
    if not accelerators or profile.accelerator is None:
        return Decimal(1)
    return min(Decimal(accelerators) / profile.accelerator.per_node, Decimal(1))
