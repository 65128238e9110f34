"""Power from what the hardware does and from idle, never from the board's limit: facility energy of a plan.

The partition is the account's: accelerator + cpu above idle + host idle share, all times the PUE, once. Accelerators
draw idle plus a part of the way to their limit:

    part = TOP x (reached / typical) ^ RISE x N / (N + HALF), at most 1

    reached / typical   share of the dense peak that the run reaches over what a large run reaches on that device, so
                        that an H100, which fills its power at a lower share of a higher peak, is not thought idle
    N                   parameters that a token passes through: small networks wait for input, launches and memory, and
                        measured runs show it more clearly than their FLOPs do

Measured runs lie at 0.3 to 0.4 of the limit for tiny vision models, 0.43 for BERT on V100 and 0.5 to 0.9 for
language-model pre-training. The three constants are fitted to the rows of data/calibration-runs.csv whose power was
measured (never to rows that multiply hours by the limit); `python -m evaluation` fits them anew.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import inf

from coppice.planning.column import at_least, at_most, is_column, over
from coppice.planning.hardware import Hardware
from coppice.planning.utilisation import Device, Shape, sustained_flops


@dataclass(frozen=True)
class PowerCoefficients:
    """What is fitted: part of the way to the limit in a large run, exponent of the share reached, size at half."""

    top: float
    rise: float
    half: float


FITTED_POWER = PowerCoefficients(top=0.76, rise=0.18, half=2.24e7)
"""Most probable on the measured runs; kept equal to what the evaluation prints by its check."""
LARGE_RUN = Shape(layers=80, hidden_size=8192, flops_per_token=1.4e11)
LARGE_RUN_DEVICES = 1024
"""A language model of 65 to 70 B parameters on as many devices as such runs have."""

POWER_SIGMA, SMALL_POWER_SIGMA = 0.15, 0.35
"""Between expected and metered power: of large networks on accelerators and of everything on CPU, and what small ones
on accelerators add; published node models err by 11 to 37 %, and see `python -m evaluation`."""
SMALL_PARAMETERS = 1e8
"""Parameters at which half of that is added."""

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
        if not is_column(factor) and factor == 1.0:
            return self
        if is_column(self.accelerator_watts) or self.accelerator_watts:
            return replace(self, accelerator_watts=self.accelerator_watts * factor)
        return replace(self, cpu_watts=self.cpu_watts * factor)


@lru_cache(maxsize=256)
def typical_share(device: Device) -> float:
    """Share of its dense peak that a device reaches in a large run."""
    return sustained_flops(device, LARGE_RUN_DEVICES, LARGE_RUN) / device.peak_flops


def accelerator_fraction(
    reached: float, typical: float, parameters: float = inf, fitted: PowerCoefficients = FITTED_POWER
) -> float:
    """Part of the way from idle to peak watts at a share of peak FLOP/s."""
    size = 1.0 if not is_column(parameters) and parameters == inf else parameters / (parameters + fitted.half)
    part: float = fitted.top * (at_least(reached, 0.0) / typical) ** fitted.rise * size
    return at_most(part, 1.0)


def power_sigma(hardware: Hardware, parameters: float) -> float:
    """How uncertain the power of a network of so many parameters is, as standard deviation of its logarithm."""
    if not hardware.accelerators:
        return POWER_SIGMA
    return POWER_SIGMA + SMALL_POWER_SIGMA * SMALL_PARAMETERS / (parameters + SMALL_PARAMETERS)


def draw(
    hardware: Hardware,
    share: float,
    start_seconds: float,
    compute_seconds: float,
    flops: float,
    pue: float,
    parameters: float = inf,
) -> Draw:
    """Mean power of a run of start and compute seconds that does so many FLOPs; `share` of the host by one pod."""
    idle, a_core = hardware.host_watts
    computing = compute_seconds / (start_seconds + compute_seconds)
    busy = STARTING_CORES * (1 - computing) + _computing_cores(hardware) * computing
    return Draw(
        accelerator_watts=_accelerators(hardware, computing, compute_seconds, flops, parameters) * hardware.pods,
        cpu_watts=a_core * at_most(busy, hardware.profile.spec.host.cores) * hardware.pods,
        host_idle_watts=idle * share * hardware.pods,
        pue=pue,
    )


def _computing_cores(hardware: Hardware) -> float:
    if hardware.accelerators:
        return BUSY_CORES_PER_ACCELERATOR * hardware.accelerators
    return hardware.cores * BUSY_SHARE_OF_CORES


def _accelerators(
    hardware: Hardware, computing: float, compute_seconds: float, flops: float, parameters: float
) -> float:
    device = hardware.profile.spec.accelerator
    if device is None or not hardware.accelerators:
        return 0.0
    idle, peak = float(device.idle_watts), float(device.peak_watts)
    reached = over(flops, hardware.peak_flops * compute_seconds)
    part = accelerator_fraction(reached, typical_share(hardware.device), parameters)
    return hardware.accelerators * (idle + (peak - idle) * part * computing)
