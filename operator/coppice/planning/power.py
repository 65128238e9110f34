"""Power from what the hardware does and from idle, never from the board's limit: facility energy of a plan.

The partition is the account's: accelerator + cpu above idle + host idle share, all times the PUE, once. Accelerators
draw idle plus a part of the way to their limit that rises with the share of peak FLOP/s they reach:

    part = min(1, (reached / FULL) ^ RISE)

It rises fast from nothing, because moving bytes and waiting kernels draw power without doing FLOPs, and slower after:
measured runs lie at 0.3 to 0.4 of the limit for tiny vision models, 0.43 for BERT on V100 and 0.5 to 0.9 for
language-model pre-training. Both constants are fitted to the rows of data/calibration-runs.csv whose power was
measured (never to rows that multiply hours by the limit); `python -m evaluation` fits them anew.
"""

from dataclasses import dataclass, replace

from coppice.planning.hardware import Hardware

FULL_POWER = 0.45
"""Share of the dense 16-bit peak, over a run's time, at which an accelerator draws its limit."""
POWER_RISE = 0.6
"""Exponent of the rise; 1 would be a straight line from idle."""

BUSY_CORES_PER_ACCELERATOR = 2.4
"""Cores that feed one accelerator; with 21 W a core above idle this is the 50 W that hosts of H100 add."""
BUSY_SHARE_OF_CORES = 0.95
"""Of a CPU pod's cores while it computes."""
STARTING_CORES = 1.0
"""Cores busy while a pod starts: unpacking, imports and loading run on one."""


@dataclass(frozen=True)
class Draw:
    """Mean facility power in watts over the run, and its parts before facility overhead."""

    accelerator_watts: float
    cpu_watts: float
    host_idle_watts: float
    pue: float

    @property
    def computer_watts(self) -> float:
        """Accelerators and host, before facility overhead."""
        return self.accelerator_watts + self.cpu_watts + self.host_idle_watts

    @property
    def facility_watts(self) -> float:
        """All of it, with the PUE applied once."""
        return self.computer_watts * self.pue

    def corrected(self, factor: float) -> "Draw":
        """With the main component's watts (accelerators, else the processor above idle) times what was learned."""
        if factor == 1.0:
            return self
        if self.accelerator_watts:
            return replace(self, accelerator_watts=self.accelerator_watts * factor)
        return replace(self, cpu_watts=self.cpu_watts * factor)


def accelerator_fraction(reached: float, full: float = FULL_POWER, rise: float = POWER_RISE) -> float:
    """Part of the way from idle to peak watts at a share of peak FLOP/s."""
    return min((max(reached, 0.0) / full) ** rise, 1.0)


def draw(
    hardware: Hardware, share: float, start_seconds: float, compute_seconds: float, flops: float, pue: float
) -> Draw:
    """Mean power of a run of start and compute seconds that does so many FLOPs; `share` of the host by one pod."""
    host, seconds = hardware.profile.spec.host, start_seconds + compute_seconds
    idle = float(host.idle_watts)
    a_core = (float(host.peak_watts) - idle) / host.cores
    computing = compute_seconds / seconds
    busy = STARTING_CORES * (1 - computing) + _computing_cores(hardware) * computing
    return Draw(
        accelerator_watts=_accelerators(hardware, computing, compute_seconds, flops) * hardware.pods,
        cpu_watts=a_core * min(busy, float(host.cores)) * hardware.pods,
        host_idle_watts=idle * share * hardware.pods,
        pue=pue,
    )


def _computing_cores(hardware: Hardware) -> float:
    if hardware.accelerators:
        return BUSY_CORES_PER_ACCELERATOR * hardware.accelerators
    return hardware.cores * BUSY_SHARE_OF_CORES


def _accelerators(hardware: Hardware, computing: float, compute_seconds: float, flops: float) -> float:
    device = hardware.profile.spec.accelerator
    if device is None or not hardware.accelerators:
        return 0.0
    idle, peak = float(device.idle_watts), float(device.peak_watts)
    reached = flops / (hardware.peak_flops * compute_seconds) if compute_seconds else 0.0
    return hardware.accelerators * (idle + (peak - idle) * accelerator_fraction(reached) * computing)
