"""What a plan is expected to use: FLOPs, memory, time, energy, carbon, money, each a log-normal with its inputs.

Everything follows from one duration: energy is power x time, embodied carbon reserved time x the hardware's rate. So
uncertainty enters as factors. One factor of the duration is shared by all plans on the same profile (how fast this
hardware really is), one is the method's own; savings are drawn with the shared part in common, because a slow node
makes both arms slow. The shared sigma is calibrated on published runs, the others are judgement until reports replace
them; all stand in every estimate's inputs.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property, partial

from coppice.accounting.units import SECONDS_PER_YEAR
from coppice.api.base import Interval, rounded
from coppice.api.decision import EstimateRecord
from coppice.api.vocabulary import Method, OptimizeFor
from coppice.planning.column import at_least, is_column, sqrt
from coppice.planning.hardware import Hardware
from coppice.planning.learning.correction import NO_CORRECTION, Correction
from coppice.planning.lognormal import LogNormal, from_points, total
from coppice.planning.memory import memory
from coppice.planning.money import Prices, cost
from coppice.planning.network import Network
from coppice.planning.power import POWER_SIGMA, Draw, draw, power_sigma
from coppice.planning.utilisation import BUILT_IN_TUNING, START_SECONDS, Shape, input_seconds, overlapped
from coppice.planning.workload import FORWARD_BATCH, Effort, Workload
from coppice.planning.world import World

SHARED_SIGMA = 0.27
"""How fast this hardware is, the same for every plan on it. Leaving out one family of published runs at a time, the
hours of the others predict its own with a standard deviation of about this (`python -m evaluation`)."""
OWN_SIGMA = {
    Method.AS_IS: 0.2,
    Method.LINEAR_PROBE: 0.25,
    Method.LORA: 0.4,
    Method.QLORA: 0.5,
    Method.FULL_FINE_TUNE: 0.4,
    Method.FROM_SCRATCH: 0.4,
}
"""What only this plan does not know beside its epochs (see `epochs`), such as steps that do not fill the device."""
ASSUMED_SIGMA = 1.2
"""Of a plan that nobody declared: the 10th to 90th percentile spans a factor of 22."""
JOULES_PER_WATT_HOUR = 3600.0

Input = Decimal | str


class Inputs(Mapping[str, Input]):
    """What an estimate took for granted, written out when somebody reads it: most candidates are never shown."""

    def __init__(self, write: Callable[[], dict[str, Input]]) -> None:
        self._write = write

    @cached_property
    def _values(self) -> dict[str, Input]:
        return self._write()

    def __getitem__(self, name: str) -> Input:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


@dataclass(frozen=True)
class Estimate:
    """Facility energy in watt-hours, carbon in grams, time in seconds, money in the installation's currency.

    `data` is the part of the cost that is the data's price, due once however many plans a job runs. `draw` is the power
    behind the energy, with its parts; None where the energy was measured.
    """

    flops: LogNormal
    memory_bytes: LogNormal
    seconds: LogNormal
    energy: LogNormal
    operational: LogNormal
    embodied: LogNormal
    carbon: LogNormal
    cost: LogNormal | None
    own_sigma: float
    inputs: Mapping[str, Input] = field(default_factory=dict)
    draw: Draw | None = None
    data: float = 0.0

    def of(self, unit: OptimizeFor) -> LogNormal | None:
        """The quantity that plans are compared by; None where the profile has no price."""
        if unit is OptimizeFor.CARBON:
            return self.carbon
        if unit is OptimizeFor.ENERGY:
            return self.energy
        return self.seconds if unit is OptimizeFor.TIME else self.cost

    def expected(self, unit: OptimizeFor) -> float:
        """Mean in that unit, of money without the data's price: no plan spares it, and no further rung pays it again.

        Raises ValueError for Cost without a price.
        """
        quantity = self.of(unit)
        if quantity is None:
            raise ValueError("a plan without a price cannot be compared by Cost")
        return at_least(quantity.mean - self.data, 0.0) if unit is OptimizeFor.COST else quantity.mean

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
            inputs=dict(self.inputs),
        )


def estimate(
    effort: Effort,
    network: Network,
    hardware: Hardware,
    world: World,
    *,
    work: Workload | None = None,
    needed: LogNormal | None = None,
    price_per_job: Decimal | None = None,
    price_per_month: Decimal | None = None,
    assumed: bool = False,
    correction: Correction = NO_CORRECTION,
) -> Estimate:
    """The estimate of one plan on one configuration, moved by what finished jobs taught; an assumed plan by nothing.

    `work` without checkpointing and the memory `needed` are given where somebody has them already.
    """
    prices = Prices.of(hardware.profile.spec, price_per_job, price_per_month, effort.data_price)
    if work is None or hardware.layout.checkpointing:
        work = effort.on(network, checkpointing=hardware.layout.checkpointing)
    own = ASSUMED_SIGMA if assumed else own_sigma(effort)
    return estimate_of_work(
        work,
        network,
        effort.method,
        hardware,
        world,
        prices=prices,
        own_sigma=own,
        needed=needed,
        correction=NO_CORRECTION if assumed else correction,
    )


def own_sigma(effort: Effort) -> float:
    """What a plan of that effort alone does not know, as standard deviation of the logarithm of its duration."""
    return sqrt(OWN_SIGMA[effort.method] ** 2 + effort.epoch_sigma**2)


def estimate_of_work(
    work: Workload,
    network: Network,
    method: Method,
    hardware: Hardware,
    world: World,
    *,
    prices: Prices,
    own_sigma: float,
    needed: LogNormal | None = None,
    correction: Correction = NO_CORRECTION,
    held: Workload | None = None,
    tuning: float = BUILT_IN_TUNING,
) -> Estimate:
    """The estimate of work whose size is already known.

    `needed` is the memory, where somebody knows it; `held` the part of the work that runs at once, where that is less;
    `tuning` the share of a large run's speed on accelerators.
    """
    if needed is None:
        needed = memory(network, method, held or work, hardware)
        needed = LogNormal(needed.median * correction.memory.median, needed.sigma)
    start, compute = START_SECONDS[hardware.kind], compute_seconds(work, network, hardware, tuning)
    own_sigma *= correction.time.spread
    seconds = LogNormal((start + compute) * correction.time.median, sqrt(SHARED_SIGMA**2 + own_sigma**2))
    reserved = hardware.reserved_bytes(needed.high)
    share = hardware.share(reserved)
    pue = float(world.pue_of(hardware.profile))
    power = draw(hardware, share, start, compute, work.flops, pue, network.token_parameters)
    power = power.corrected(correction.power.median)
    sigma = power_sigma(hardware, network.token_parameters)
    energy = seconds.times(power.facility_watts / JOULES_PER_WATT_HOUR, sigma)
    intensity = world.intensity_of(hardware.profile).grams_per_kilowatt_hour
    operational = energy.times(float(intensity) / 1000)
    embodied = _embodied(seconds, hardware, share)
    return Estimate(
        flops=LogNormal(work.flops, own_sigma),
        memory_bytes=needed,
        seconds=seconds,
        energy=energy,
        operational=operational,
        embodied=embodied,
        carbon=total(operational, embodied, seconds.sigma),
        cost=cost(prices, seconds, energy, (hardware.accelerators or hardware.cores) * hardware.pods),
        own_sigma=own_sigma,
        inputs=Inputs(
            partial(
                _inputs,
                network,
                work,
                hardware,
                power,
                reserved,
                share,
                intensity,
                start,
                compute,
                own_sigma,
                correction,
            )
        ),
        draw=power,
        data=prices.data,
    )


def shape_of(network: Network, work: Workload) -> Shape:
    """The network as the utilisation model sees it."""
    return Shape(
        layers=network.layers,
        hidden_size=network.hidden_size,
        flops_per_token=network.forward_flops(work.tokens) / work.tokens,
        mixture=network.mixture,
        step_tokens=1.0 * work.batch * work.tokens,
    )


def compute_seconds(work: Workload, network: Network, hardware: Hardware, tuning: float = BUILT_IN_TUNING) -> float:
    """Seconds of arithmetic and of launching it, and of reading images where that takes longer."""
    rates = hardware.rates(shape_of(network, work))
    launches = work.steps * rates.training_step_seconds + work.forward_steps * rates.forward_step_seconds
    arithmetic = work.forward_flops / rates.forward + work.training_flops / rates.training
    if not hardware.accelerators:
        return arithmetic
    seconds = overlapped(arithmetic / tuning, launches)
    if network.image_size is None:
        return seconds
    images = work.steps * work.batch + work.forward_steps * FORWARD_BATCH
    return at_least(seconds, input_seconds(images, network.image_size, hardware.devices))


def _embodied(seconds: LogNormal, hardware: Hardware, share: float) -> LogNormal:
    """M = TE x (reserved time / lifespan) x share, of accelerators and host, in grams."""
    rate = None if is_column(share) else hardware.embodied.get(share)
    if rate is None:
        rate = _embodied_rate(hardware, share)
        if not is_column(share):
            hardware.embodied[share] = rate
    lifespan = float(hardware.profile.spec.lifespan_years) * float(SECONDS_PER_YEAR)
    return seconds.times(rate.median * 1000 * hardware.pods / lifespan, rate.sigma)


def _embodied_rate(hardware: Hardware, share: float) -> LogNormal:
    spec = hardware.profile.spec
    kilograms = _weighted(spec.host.embodied_kilograms, share)
    if spec.accelerator is not None and hardware.accelerators:
        devices = _weighted(spec.accelerator.embodied_kilograms, hardware.accelerators)
        kilograms = [host + device for host, device in zip(kilograms, devices, strict=True)]
    return from_points(*kilograms)


def _weighted(interval: Interval, weight: float) -> list[float]:
    return [float(point) * weight for point in (interval.low, interval.mid, interval.high)]


def _inputs(
    network: Network,
    work: Workload,
    hardware: Hardware,
    power: Draw,
    reserved: int,
    share: float,
    intensity: Decimal,
    start: float,
    compute: float,
    own_sigma: float,
    correction: Correction,
) -> dict[str, Input]:
    reached = work.flops / (hardware.peak_flops * compute) if compute else 0.0
    return {
        "family": network.family,
        "parameters": Decimal(network.parameters),
        "matrixParameters": Decimal(network.matrix_parameters),
        "tokensPerExample": Decimal(work.tokens),
        "epochs": rounded(work.epochs),
        "batchSize": Decimal(work.batch),
        "dtype": hardware.dtype,
        "cpuCores": rounded(hardware.cores),
        "peakTeraFlops": rounded(hardware.peak_flops / 1e12),
        "shareOfPeakReached": rounded(reached),
        **({"measuredGeneration": hardware.device.generation or "none"} if hardware.accelerators else {}),
        "facilityWatts": rounded(power.facility_watts),
        "acceleratorWatts": rounded(power.accelerator_watts),
        "cpuWatts": rounded(power.cpu_watts),
        "memoryRequestBytes": Decimal(reserved),
        "hostShare": rounded(share),
        "pue": rounded(power.pue),
        "gramsPerKilowattHour": intensity,
        "startSeconds": rounded(start),
        "ownSigma": rounded(own_sigma),
        "sharedSigma": rounded(SHARED_SIGMA),
        **correction.inputs,
        **hardware.layout.inputs(),
    }


__all__ = ["JOULES_PER_WATT_HOUR", "POWER_SIGMA", "SHARED_SIGMA", "Estimate", "Inputs", "estimate", "estimate_of_work"]
