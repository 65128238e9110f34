"""Energy of one pod: metered where it was, modelled from CPU seconds, else estimated from reserved time.

    host_idle    idle watts x host share x reserved time                            Estimated
    cpu          Kepler or RAPL, above idle                                        Measured
                 CPU seconds x (peak - idle) watts / cores                          Modelled
                 without a result: cores x expected utilisation x watts a core      Estimated
    accelerator  DCGM, or NVML over the seconds it covered                          Measured
                 before the trainer started: idle watts; other seconds: expected    Estimated
    memory       only beside a metered cpu: a profile's host watts include it       Measured

A pod's own figures never include host idle (see `coppice.api.result.Energy`), so nothing is counted twice. What a
user's own container says of itself is held to what the hardware can draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from coppice.accounting.counted import Counted
from coppice.accounting.metered import Metered
from coppice.accounting.share import host_share, reserved_cores
from coppice.accounting.stretch import Label, Stretch
from coppice.accounting.units import divided, joules, seconds_between
from coppice.accounting.use import PodUse
from coppice.api.computeprofile import Accelerator, ComputeProfileSpec
from coppice.api.result import EarlierPod, Energy, EnergySeries, Outcome, Result, Usage
from coppice.api.vocabulary import Component, Grade

EXPECTED_CPU_UTILISATION = Decimal("0.5")
"""Of reserved cores, where nothing counted CPU seconds: Cloud Carbon Footprint's AVG_CPU_UTILIZATION_2020."""

EXPECTED_ACCELERATOR_SHARE = Decimal("0.64")
"""Of peak watts, where no meter covered: median of the measured runs in data/accelerator-power.csv (0.27 to 0.86)."""

UNSAID_SECONDS, UNSAID_SHARE = Decimal(30), Decimal("0.01")
"""Uncovered time that needs no sentence: meters take time to start. It is Estimated all the same."""

ZERO = Decimal(0)


@dataclass(frozen=True)
class PodEnergy:
    """One pod's energy without facility overhead, the seconds a meter covered, and what is missing in sentences."""

    stretches: tuple[Stretch, ...]
    covered_seconds: Decimal
    gaps: tuple[str, ...]


@dataclass(frozen=True)
class Range:
    """What the hardware can draw over some time, in joules."""

    least: Decimal
    most: Decimal


def pod_energy(counted: Counted, profile: ComputeProfileSpec) -> PodEnergy:
    """Energy of one pod on a node of that profile, in joules, as stretches of time."""
    pod, usage = counted.pod, counted.usage
    idle = profile.host.idle_watts * host_share(pod, usage, profile) * pod.reserved_seconds
    host = (Stretch(Component.HOST_IDLE, Grade.ESTIMATED, joules(idle), pod.start, pod.end),)
    cpu, cpu_gaps = _cpu(pod, usage, profile)
    accelerator, accelerator_gaps = _accelerator(pod, usage, profile.accelerator)
    memory = _memory(pod, usage, cpu)
    main = accelerator if pod.accelerators else cpu
    covered = _covered(pod, usage) if any(item.grade is Grade.MEASURED for item in main) else ZERO
    return PodEnergy((*host, *cpu, *memory, *accelerator), covered, (*cpu_gaps, *accelerator_gaps))


def covered_seconds(pod: PodUse, usage: Usage | None) -> Decimal:
    """Seconds of the reserved time that the pod's own meter covered: none before the trainer started."""
    if usage is None or usage.energy is None:
        return ZERO
    metered = pod.reserved_seconds - (seconds_between(pod.start, pod.init_end) if pod.init_end else ZERO)
    return min(Decimal(usage.energy.covered_seconds), max(metered, ZERO))


def outside(pod: PodUse, usage: Usage | None, component: Component) -> Metered | None:
    """What a meter outside the pod says of a component, where that is the best there is.

    It wins over the pod's own words, but for the built-in trainer's meter where the outer one missed half of the time.
    """
    found = next((item for item in pod.metered if item.component is component and item.slices), None)
    if found is None or pod.self_reported:
        return found
    own = covered_seconds(pod, usage) if _measured(usage, component) else ZERO
    return None if found.covered_seconds * 2 < pod.reserved_seconds and own > found.covered_seconds else found


def _covered(pod: PodUse, usage: Usage | None) -> Decimal:
    found = outside(pod, usage, Component.ACCELERATOR if pod.accelerators else Component.CPU)
    return min(found.covered_seconds, pod.reserved_seconds) if found else covered_seconds(pod, usage)


def modelled_cpu_joules(cpu_seconds: Decimal, profile: ComputeProfileSpec) -> Decimal:
    """CPU seconds x (peak - idle) watts / cores."""
    return cpu_seconds * _watts_a_core(profile)


def expected_accelerator_watts(accelerator: Accelerator) -> Decimal:
    """Expected, not peak, power of one busy accelerator in watts."""
    return max(accelerator.peak_watts * EXPECTED_ACCELERATOR_SHARE, accelerator.idle_watts)


def _watts_a_core(profile: ComputeProfileSpec) -> Decimal:
    return (profile.host.peak_watts - profile.host.idle_watts) / profile.host.cores


def _cpu(pod: PodUse, usage: Usage | None, profile: ComputeProfileSpec) -> tuple[list[Stretch], list[str]]:
    metered = outside(pod, usage, Component.CPU)
    if metered is not None:
        return _cpu_metered(pod, usage, profile, metered)
    series = _series(usage, Component.CPU)
    measured = any(item.grade is Grade.MEASURED for item in series)
    if usage is None or (usage.cpu_seconds is None and not series):
        why = "has no result" if usage is None else "counted no CPU seconds"
        return _expected_cpu(pod, (pod.start, pod.end), profile, why)
    if usage.cpu_seconds is not None and not measured:
        most = profile.host.cores * pod.reserved_seconds
        seconds = min(usage.cpu_seconds, most) if pod.self_reported else usage.cpu_seconds
        total = modelled_cpu_joules(seconds, profile)
        known = _spread(pod, usage, series, (Component.CPU, Grade.MODELLED), total)
    else:
        above_idle = (profile.host.peak_watts - profile.host.idle_watts) * pod.reserved_seconds
        known = _as_said(pod, usage, series, Range(ZERO, above_idle))
    lost, gaps = _lost_tail(pod, usage, profile)
    return [*known, *lost], gaps


def _cpu_metered(
    pod: PodUse, usage: Usage | None, profile: ComputeProfileSpec, metered: Metered
) -> tuple[list[Stretch], list[str]]:
    """The meter's joules; the time that it missed is Modelled from the pod's CPU seconds, else Estimated."""
    missed = max(pod.reserved_seconds - metered.covered_seconds, ZERO)
    known = metered.stretches()
    if not missed:
        return known, []
    if usage is None or usage.cpu_seconds is None or pod.self_reported:
        rest, gaps = _expected_cpu(pod, (pod.end - _time(missed), pod.end), profile, "was not metered all the time")
        return [*known, *rest], gaps if _worth_saying(pod, missed) else []
    share = missed / pod.reserved_seconds
    amount = joules(modelled_cpu_joules(usage.cpu_seconds, profile) * share)
    rest = [Stretch(Component.CPU, Grade.MODELLED, amount, pod.start, pod.end)] if amount else []
    return [*known, *rest], []


def _worth_saying(pod: PodUse, seconds: Decimal) -> bool:
    return seconds > max(UNSAID_SECONDS, UNSAID_SHARE * pod.reserved_seconds)


def _expected_cpu(
    pod: PodUse, time: tuple[datetime, datetime], profile: ComputeProfileSpec, why: str
) -> tuple[list[Stretch], list[str]]:
    start, end = time
    seconds, cores, watts = seconds_between(start, end), reserved_cores(pod, profile), _watts_a_core(profile)
    amount = joules(seconds * cores * EXPECTED_CPU_UTILISATION * watts)
    if not amount:
        return [], []
    gap = (
        f"Pod {pod.uid} {why}: cpu is Estimated as {seconds:.0f} s x {float(cores):.3g} cores x "
        f"{EXPECTED_CPU_UTILISATION:.0%} x {float(watts):.3g} W a core."
    )
    return [Stretch(Component.CPU, Grade.ESTIMATED, amount, start, end)], [gap]


def _lost_tail(pod: PodUse, usage: Usage, profile: ComputeProfileSpec) -> tuple[list[Stretch], list[str]]:
    """The time after the last sign of a pod that stopped without a word; the others end with their figures."""
    outcome = usage.outcome if isinstance(usage, Result | EarlierPod) else None
    if outcome not in {Outcome.LOST, Outcome.RUNNING} or usage.ended_at is None:
        return [], []
    last = _inside(pod, usage.ended_at)
    return _expected_cpu(pod, (last, pod.end), profile, "stopped without a last word")


def _accelerator(pod: PodUse, usage: Usage | None, device: Accelerator | None) -> tuple[list[Stretch], list[str]]:
    if not pod.accelerators or device is None:
        missing = f"Pod {pod.uid} reserved {pod.accelerators} accelerators that its ComputeProfile does not describe."
        return [], [missing] if pod.accelerators else []
    count = pod.accelerators
    metered = outside(pod, usage, Component.ACCELERATOR)
    covered = min(metered.covered_seconds, pod.reserved_seconds) if metered else covered_seconds(pod, usage)
    limits = Range(device.idle_watts * count * covered, device.peak_watts * count * covered)
    said = _measured(usage, Component.ACCELERATOR)
    known = metered.stretches() if metered else _as_said(pod, usage, said, limits)
    uncovered = pod.reserved_seconds - (covered if known else ZERO)
    waiting = min(_init_seconds(pod, usage), uncovered)
    busy = uncovered - waiting
    begun = pod.start + _time(waiting)
    estimated = [
        (waiting, device.idle_watts * count, pod.start, begun),
        (busy, expected_accelerator_watts(device) * count, begun, pod.end),
    ]
    stretches = [
        Stretch(Component.ACCELERATOR, Grade.ESTIMATED, joules(seconds * watts), start, max(start, end))
        for seconds, watts, start, end in estimated
        if seconds
    ]
    return [*known, *stretches], _accelerator_gaps(pod, device, busy)


def _accelerator_gaps(pod: PodUse, device: Accelerator, busy: Decimal) -> list[str]:
    if not _worth_saying(pod, busy):
        return []
    watts = expected_accelerator_watts(device)
    return [
        f"No meter covered {busy:.0f} s of pod {pod.uid}: accelerator is Estimated as "
        f"{pod.accelerators} x {float(watts):.4g} W expected ({EXPECTED_ACCELERATOR_SHARE:.0%} of peak)."
    ]


def _init_seconds(pod: PodUse, usage: Usage | None) -> Decimal:
    """Reserved time before the trainer started: scheduling, image pull, init steps."""
    started = pod.init_end or (usage.started_at if usage else None)
    return seconds_between(pod.start, min(started, pod.end)) if started else ZERO


def _memory(pod: PodUse, usage: Usage | None, cpu: Sequence[Stretch]) -> list[Stretch]:
    """Metered memory, only beside a metered cpu; otherwise the profile's host watts include it."""
    metered = outside(pod, usage, Component.MEMORY)
    if metered is not None and any(item.grade is Grade.MEASURED for item in cpu):
        return metered.stretches()
    if usage is None or pod.self_reported or not any(item.grade is Grade.MEASURED for item in cpu):
        return []
    return _as_said(pod, usage, _measured(usage, Component.MEMORY), Range(ZERO, ZERO))


def _measured(usage: Usage | None, component: Component) -> list[EnergySeries]:
    return [item for item in _series(usage, component) if item.grade is Grade.MEASURED]


def _series(usage: Usage | None, component: Component) -> list[EnergySeries]:
    energy = usage.energy if usage else None
    return [item for item in energy.series if item.component is component] if energy else []


def _as_said(pod: PodUse, usage: Usage | None, series: Sequence[EnergySeries], limits: Range) -> list[Stretch]:
    """The pod's own joules by grade; those of a user's container held, all together, to what the hardware can draw."""
    stretches: list[Stretch] = []
    least, most = limits.least, limits.most
    for grade in Grade:
        shape = [item for item in series if item.grade is grade]
        total = sum((joule for item in shape for joule in item.joules), ZERO)
        if pod.self_reported and shape:
            total = min(max(total, least), most)
            least, most = max(least - total, ZERO), most - total
        if shape:
            stretches += _spread(pod, usage, shape, (shape[0].component, grade), total)
    return stretches


def _spread(
    pod: PodUse, usage: Usage | None, shape: Sequence[EnergySeries], label: Label, total: Decimal
) -> list[Stretch]:
    """A total spread over time like the pod's own slots, or evenly over its run where it has none."""
    total = joules(total)
    if not total:
        return []
    slots = _slots(pod, usage.energy, shape) if usage and usage.energy else []
    if not slots:
        begun = usage.started_at if usage and usage.started_at else pod.start
        return [Stretch(*label, total, _inside(pod, begun), pod.end)]
    parts = divided(total, [joule for joule, _, _ in slots])
    return [Stretch(*label, part, start, end) for part, (_, start, end) in zip(parts, slots, strict=True) if part]


def _slots(pod: PodUse, energy: Energy, shape: Sequence[EnergySeries]) -> list[tuple[Decimal, datetime, datetime]]:
    """Joules with start and end of each slot, held inside the pod's reserved time."""
    length = timedelta(seconds=energy.slot_seconds)
    slots = []
    for number in range(max((len(item.joules) for item in shape), default=0)):
        joule = sum((item.joules[number] for item in shape if number < len(item.joules)), ZERO)
        start = energy.slots_start + number * length
        if joule:
            slots.append((joule, _inside(pod, start), _inside(pod, start + length)))
    return slots


def _inside(pod: PodUse, moment: datetime) -> datetime:
    return min(max(moment, pod.start), max(pod.end, pod.start))


def _time(seconds: Decimal) -> timedelta:
    return timedelta(microseconds=int(seconds * 1_000_000))
