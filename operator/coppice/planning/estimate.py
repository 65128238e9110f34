"""What a plan is expected to use: FLOPs, memory, time, energy, carbon, money, each a log-normal with its inputs.

Everything follows from one duration: energy is power x time, embodied carbon reserved time x the hardware's rate. So
uncertainty enters as factors. One factor of the duration is shared by all plans on the same profile (how fast this
hardware really is), one is the method's own; savings are drawn with the shared part in common, because a slow node
makes both arms slow. The sigmas are judgement until reports replace them, and stand in every estimate's inputs.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from math import sqrt

from coppice.accounting.units import SECONDS_PER_YEAR
from coppice.api.base import Interval, rounded
from coppice.api.decision import EstimateRecord
from coppice.api.trainingjob import TrainingJobSpec
from coppice.api.vocabulary import Method, OptimizeFor
from coppice.planning.hardware import Hardware
from coppice.planning.lognormal import LogNormal, from_interval, total
from coppice.planning.memory import memory
from coppice.planning.network import Network
from coppice.planning.power import Draw, draw
from coppice.planning.utilisation import START_SECONDS
from coppice.planning.workload import Workload, workload
from coppice.planning.world import World

SHARED_SIGMA = 0.3
"""How fast this hardware is, the same for every plan on it."""
OWN_SIGMA = {
    Method.AS_IS: 0.2,
    Method.LINEAR_PROBE: 0.25,
    Method.LORA: 0.4,
    Method.QLORA: 0.5,
    Method.FULL_FINE_TUNE: 0.4,
    Method.FROM_SCRATCH: 0.4,
}
"""What only this plan does not know: epochs until early stopping, steps that do not fill the device."""
ASSUMED_SIGMA = 1.2
"""Of a plan that nobody declared: the 10th to 90th percentile spans a factor of 22."""
POWER_SIGMA = 0.15
"""Between expected and metered power; published node models err by 11 to 37 %."""
JOULES_PER_WATT_HOUR = 3600.0

Inputs = dict[str, Decimal | str]


@dataclass(frozen=True)
class Estimate:
    """Facility energy in watt-hours, carbon in grams, time in seconds, money in the installation's currency."""

    flops: LogNormal
    memory_bytes: LogNormal
    seconds: LogNormal
    energy: LogNormal
    operational: LogNormal
    embodied: LogNormal
    carbon: LogNormal
    cost: LogNormal | None
    own_sigma: float
    inputs: Inputs = field(default_factory=dict)

    def of(self, unit: OptimizeFor) -> LogNormal | None:
        """The quantity that plans are compared by; None where the profile has no price."""
        quantities = {OptimizeFor.CARBON: self.carbon, OptimizeFor.ENERGY: self.energy, OptimizeFor.TIME: self.seconds}
        return self.cost if unit is OptimizeFor.COST else quantities[unit]

    def expected(self, unit: OptimizeFor) -> float:
        """Mean in that unit. Raises ValueError for Cost without a price."""
        quantity = self.of(unit)
        if quantity is None:
            raise ValueError("a plan without a price cannot be compared by Cost")
        return quantity.mean

    @property
    def highs(self) -> tuple[float, float, float]:
        """High estimates in the order of the limits: watt-hours, grams, seconds."""
        return self.energy.high, self.carbon.high, self.seconds.high

    def record(self, unit: OptimizeFor) -> EstimateRecord:
        """As it stands in the decision."""
        return EstimateRecord(
            flops=self.flops.interval(),
            memory_bytes=self.memory_bytes.interval(),
            run_seconds=self.seconds.interval(),
            energy_watt_hours=self.energy.interval(),
            operational_grams=self.operational.interval(),
            embodied_grams=self.embodied.interval(),
            carbon_grams=self.carbon.interval(),
            cost=self.cost.interval() if self.cost else None,
            expected=rounded(self.expected(unit)),
            inputs=self.inputs,
        )


def estimate(
    spec: TrainingJobSpec,
    network: Network,
    method: Method,
    hardware: Hardware,
    world: World,
    *,
    least_memory_bytes: float = 0.0,
    price_per_job: Decimal | None = None,
    assumed: bool = False,
) -> Estimate:
    """The estimate of one plan on one configuration."""
    work = workload(spec, network, method)
    needed = memory(network, method, work, hardware)
    needed = LogNormal(max(needed.median, least_memory_bytes), needed.sigma)
    start, compute = START_SECONDS[hardware.kind], compute_seconds(work, network, hardware)
    own = ASSUMED_SIGMA if assumed else OWN_SIGMA[method]
    seconds = LogNormal(start + compute, sqrt(SHARED_SIGMA**2 + own**2))
    reserved = hardware.reserved_bytes(needed.high)
    share = hardware.share(reserved)
    power = draw(hardware, share, start, compute, work.flops, float(world.pue_of(hardware.profile)))
    energy = seconds.times(power.facility_watts / JOULES_PER_WATT_HOUR, POWER_SIGMA)
    intensity = world.intensity_of(hardware.profile)
    operational = energy.times(float(intensity.grams_per_kilowatt_hour) / 1000)
    embodied = _embodied(seconds, hardware, share)
    inputs = _inputs(network, work, hardware, power, reserved, share, intensity.grams_per_kilowatt_hour)
    return Estimate(
        flops=LogNormal(work.flops, own),
        memory_bytes=needed,
        seconds=seconds,
        energy=energy,
        operational=operational,
        embodied=embodied,
        carbon=total(operational, embodied, seconds.sigma),
        cost=_cost(seconds, hardware, price_per_job),
        own_sigma=own,
        inputs=inputs
        | {"startSeconds": rounded(start), "ownSigma": rounded(own), "sharedSigma": rounded(SHARED_SIGMA)},
    )


def compute_seconds(work: Workload, network: Network, hardware: Hardware) -> float:
    """Seconds of arithmetic and of launching it."""
    rates = hardware.rates(network.layers, network.hidden_size)
    devices = max(hardware.accelerators, 1) * hardware.pods
    launches = work.steps * rates.training_step_seconds + work.forward_steps * rates.forward_step_seconds
    return work.forward_flops / rates.forward + work.training_flops / rates.training + launches / devices


def _embodied(seconds: LogNormal, hardware: Hardware, share: float) -> LogNormal:
    """M = TE x (reserved time / lifespan) x share, of accelerators and host, in grams."""
    spec = hardware.profile.spec
    parts = [(spec.host.embodied_kilograms, share)]
    if spec.accelerator is not None:
        parts.append((spec.accelerator.embodied_kilograms, float(hardware.accelerators)))
    kilograms = from_interval(_weighted(parts))
    lifespan = float(spec.lifespan_years) * float(SECONDS_PER_YEAR)
    return seconds.times(kilograms.median * 1000 * hardware.pods / lifespan, kilograms.sigma)


def _weighted(parts: list[tuple[Interval, float]]) -> Interval:
    points = {
        name: sum(float(getattr(interval, name)) * weight for interval, weight in parts)
        for name in ("low", "mid", "high")
    }
    return Interval.model_validate({name: Decimal(repr(value)) for name, value in points.items()})


def _cost(seconds: LogNormal, hardware: Hardware, price_per_job: Decimal | None) -> LogNormal | None:
    """Device-hours (CPU: core-hours) x price, and the licence's price for one job."""
    hourly = hardware.profile.spec.price_per_hour
    if hourly is None:
        return None
    units = (hardware.accelerators or hardware.cores) * hardware.pods
    running = seconds.times(units * float(hourly) / 3600)
    return total(running, LogNormal(float(price_per_job or 0)), 0.0)


def _inputs(
    network: Network, work: Workload, hardware: Hardware, power: Draw, reserved: int, share: float, intensity: Decimal
) -> Inputs:
    return {
        "parameters": Decimal(network.parameters),
        "matrixParameters": Decimal(network.matrix_parameters),
        "tokensPerExample": Decimal(work.tokens),
        "epochs": rounded(work.epochs),
        "batchSize": Decimal(work.batch),
        "dtype": hardware.dtype,
        "cpuCores": rounded(hardware.cores),
        "peakTeraFlops": rounded(hardware.peak_flops / 1e12),
        "facilityWatts": rounded(power.facility_watts),
        "memoryRequestBytes": Decimal(reserved),
        "hostShare": rounded(share),
        "pue": rounded(power.pue),
        "gramsPerKilowattHour": intensity,
    }
