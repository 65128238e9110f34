"""Nothing is lost and nothing counted twice: pods and idle time sum to what the raw samples of a node say.

The hardware of these tests has a power of its own for each second: what it likes while somebody has it, its idle power
while nobody does. `raw_joules` adds up what its exporter printed, and `Node.joules` the true seconds; neither knows the
product's code. What the product says of every pod, read from series as a Prometheus holds them, must fit both.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_profile
from coppice.accounting.metered import Metered
from coppice.adapters.meters.dcgm import accelerator, devices
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.meters.prometheus import Series
from coppice.api.vocabulary import Grade
from exporters import DCGM, POWER, T0, Gpu, dcgm

GPU_NODE = make_profile("h100").accelerator().build().spec
MOST, IDLE = 700.0, 70.0
LENGTH, LEAD = 2400, 300
"""Nobody has a device in the first seconds, so that its idle power is seen."""
ROUNDING = {"rel": 1e-9, "abs": 1e-3}

intervals = st.integers(1, 60)
seeds = st.integers(0, 2**32)


@dataclass(frozen=True)
class Stay:
    """A pod on a device, and its MIG instance: a number and slices."""

    pod: str
    start: int
    end: int
    instance: tuple[str, int] = ("", 7)


@dataclass
class Device:
    """A device with its stays and its watts for each second."""

    uuid: str
    stays: Sequence[Stay]
    curve: Sequence[float] = field(default_factory=list)

    def joules(self, start: int, end: int) -> float:
        """The truth between two seconds."""
        return sum(self.curve[start:end])

    def idle_joules(self, end: int) -> float:
        """The truth of the seconds in which nobody had it."""
        return sum(watts for second, watts in enumerate(self.curve[:end]) if not on(self.stays, second))

    def printed(self, reset_at: int | None = None) -> list[Gpu]:
        """As an exporter shows it: a line by instance."""
        lines = []
        for number, slices in sorted({stay.instance for stay in self.stays}) or [("", 7)]:
            held = [("research", one.pod, one.start, one.end) for one in self.stays if one.instance == (number, slices)]
            mig = {"GPU_I_ID": number, "GPU_I_PROFILE": f"{slices}g.40gb"} if number else {}
            lines.append(Gpu(self.uuid, curve=self.curve, given=held, extra=mig, reset_at=reset_at))
        return lines


def on(stays: Iterable[Stay], second: int) -> list[Stay]:
    return [stay for stay in stays if stay.start <= second < stay.end]


def drawing(uuid: str, stays: Sequence[Stay], dice: random.Random, level: float | None = None) -> Device:
    """A device that draws what it likes, or one level, while somebody has it."""

    def watts(second: int) -> float:
        if not on(stays, second):
            return IDLE
        return level if level is not None else dice.uniform(IDLE, MOST)

    return Device(uuid, stays, [watts(second) for second in range(LENGTH + 1)])


def scrapes(every: int, phase: int, dice: random.Random, failing: float) -> list[int]:
    """Seconds of scrapes; after the lead some fail."""
    return [at for at in range(phase % every, LENGTH, every) if at < LEAD or dice.random() >= failing]


def turns(dice: random.Random, seen: Sequence[int], name: str) -> list[Stay]:
    """Pods one after the other, close or far, each seen by at least one scrape."""
    edges = sorted(dice.sample(range(LEAD, seen[-1]), dice.choice([2, 4, 8])))
    stays = [Stay(f"{name}-{number}", *span) for number, span in enumerate(zip(edges[::2], edges[1::2], strict=True))]
    return [stay for stay in stays if any(stay.start <= at <= stay.end for at in seen)]


def pods_of(every: Iterable[Device]) -> list[MeteredPod]:
    stays = {stay.pod: stay for device in every for stay in device.stays}
    counts = {pod: sum(any(stay.pod == pod for stay in device.stays) for device in every) for pod in stays}
    return [
        MeteredPod(f"uid-{pod}", "research", pod, T0 + stay.start, T0 + stay.end, counts[pod], GPU_NODE)
        for pod, stay in stays.items()
    ]


def read(
    series: Sequence[Series], pods: Sequence[MeteredPod], known: Sequence[MeteredPod] | None = None
) -> list[Metered]:
    """What the product says of each pod; of all of them the reserved time is known, unless told."""
    found = devices(series, {pod.full_name: (pod.start, pod.until(0)) for pod in (pods if known is None else known)})
    said = [accelerator(pod, found, T0 + LENGTH) for pod in pods]
    assert all(said)
    return [one for one in said if one]


def total(said: Iterable[Metered]) -> float:
    return sum(float(one.joules) for one in said)


def raw_joules(series: Iterable[Series], uuid: str, name: str = DCGM, scale: float = 1000.0) -> float:
    """What one exporter printed of a device: every rise of its counter, and nothing else."""
    views = sorted({one.labels["instance"] for one in series})
    values = {
        sample.at: sample.value / scale
        for one in series
        if one.labels["__name__"] == name and one.labels.get("UUID") == uuid and one.labels["instance"] == views[0]
        for sample in one.samples
    }
    return sum(max(values[after] - values[before], 0.0) for before, after in pairwise(sorted(values)))


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.integers(0, 59), st.sampled_from([0.0, 0.3]), st.booleans(), st.booleans())
def test_pods_in_turn_and_idle_time_sum_to_a_node_of_several_devices(
    seed: int, every: int, phase: int, failing: float, renamed: bool, twice: bool
) -> None:
    dice = random.Random(seed)
    seen = scrapes(every, phase, dice, failing)
    node = [drawing(f"GPU-{n}", turns(dice, seen, f"p{n}"), dice) for n in range(dice.choice([1, 2, 4]))]
    lines = [line for device in node for line in device.printed()]
    series = dcgm(lines, seen, renamed=renamed)
    if twice:
        series += dcgm(lines, scrapes(every, phase + 7, dice, 0.5), renamed=renamed, instance="10.0.0.9:9400")
        series += [Series({**one.labels, "prometheus_replica": "b"}, one.samples) for one in series]
    said = read(series, pods_of(node))
    raw = sum(raw_joules(series, device.uuid) for device in node)
    idle = sum(device.idle_joules(seen[-1]) - device.joules(0, seen[0]) for device in node)
    assert total(said) + idle == pytest.approx(raw, **ROUNDING)
    assert {one.grade for one in said} <= {Grade.MEASURED}


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.integers(2, 5))
def test_pods_that_share_a_device_and_idle_time_sum_to_it(seed: int, every: int, count: int) -> None:
    dice = random.Random(seed)
    seen = scrapes(every, 0, dice, 0.1)
    stays = [stay for number in range(count) for stay in turns(dice, seen, f"p{number}")]
    device = drawing("GPU-1", stays, dice)
    series = dcgm(device.printed(), seen)
    said = read(series, pods_of([device]))
    assert total(said) + device.idle_joules(seen[-1]) == pytest.approx(raw_joules(series, "GPU-1"), **ROUNDING)
    for one, pod in zip(said, pods_of([device]), strict=True):
        assert float(one.covered_seconds) == pytest.approx(pod.until(0) - pod.start)


@settings(max_examples=30, deadline=None)
@given(seeds, intervals)
def test_a_stranger_on_a_shared_device_is_known_to_half_a_scrape(seed: int, every: int) -> None:
    dice = random.Random(seed)
    seen = scrapes(every, 0, dice, 0.0)
    ours = Stay("ours", LEAD, LENGTH - LEAD)
    begin = dice.randrange(LEAD, LENGTH // 2)
    theirs = Stay("theirs", begin, begin + dice.randrange(2 * every, LENGTH // 2))
    device = drawing("GPU-1", [ours, theirs], dice, level=300.0)
    (said,) = read(dcgm(device.printed(), seen), pods_of([device])[:1], pods_of([device])[:1])
    shared = min(theirs.end, ours.end) - theirs.start
    assert float(said.joules) == pytest.approx(300 * (ours.end - ours.start - shared / 2), abs=300 * every / 2 + 1)
    assert said.grade is Grade.ESTIMATED


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.lists(st.sampled_from([1, 2, 3, 4]), min_size=1, max_size=4).filter(lambda n: sum(n) <= 7))
def test_instances_what_no_instance_has_and_idle_time_sum_to_a_divided_gpu(
    seed: int, every: int, sizes: list[int]
) -> None:
    """An instance may be shared in its turn; between its pods it is idle."""
    dice = random.Random(seed)
    seen = scrapes(every, 0, dice, 0.1)
    stays = [
        Stay(stay.pod, stay.start, stay.end, (str(number), slices))
        for number, slices in enumerate(sizes, start=1)
        for name in ("a", "b")[: dice.choice([1, 2])]
        for stay in turns(dice, seen, f"{name}{number}")
    ]
    device = drawing("GPU-1", stays, dice, level=400.0)
    series = dcgm(device.printed(), seen)
    taken = [dict(stay.instance for stay in on(stays, second)) for second in range(LENGTH)]
    unused = sum(
        device.curve[second] * (7 - sum(instances.values())) / 7
        for second, instances in enumerate(taken[: seen[-1]])
        if instances
    )
    said = read(series, pods_of([device]))
    whole = total(said) + unused + device.idle_joules(seen[-1])
    assert whole == pytest.approx(raw_joules(series, "GPU-1"), **ROUNDING)
    assert {one.grade for one in said} <= ({Grade.ESTIMATED} if sizes != [7] else {Grade.MEASURED})


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, intervals, st.integers(0, 59))
def test_a_jobs_energy_is_the_same_whatever_the_scrape_interval(seed: int, one: int, other: int, phase: int) -> None:
    """Exactly, where its device idles before and after it; what it draws meanwhile may be as uneven as it likes."""
    dice = random.Random(seed)
    start = dice.randrange(LEAD, LENGTH - 600)
    device = drawing("GPU-1", [Stay("job", start, start + dice.randrange(60, 400))], dice)
    (stay,) = device.stays
    for every in (one, other):
        (said,) = read(dcgm(device.printed(), scrapes(every, phase, dice, 0.0)), pods_of([device]))
        assert float(said.joules) == pytest.approx(device.joules(stay.start, stay.end), **ROUNDING)
        assert float(said.covered_seconds) == pytest.approx(stay.end - stay.start)


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.sampled_from([1, 10, 30]))
def test_where_nobody_idles_the_ends_alone_are_uncertain(seed: int, every: int, collect: int) -> None:
    """Other work before and after, and a counter that its exporter renews now and then: an interval at each end."""
    dice = random.Random(seed)
    levels = [dice.uniform(IDLE, MOST) for _ in range(LENGTH // 40 + 1)]
    job = Stay("job", LEAD, LENGTH - LEAD)
    device = Device("GPU-1", [job], [levels[second // 40] for second in range(LENGTH + 1)])
    (line,) = device.printed()
    seen = scrapes(every, 0, dice, 0.0)
    old = [Series(one.labels, one.samples) for one in dcgm([line], seen)]
    late = {T0 + at: line.millijoules(at // collect * collect) for at in seen}
    series = [
        Series(one.labels, tuple(type(sample)(sample.at, late[sample.at]) for sample in one.samples))
        for one in old
        if one.labels["__name__"] == DCGM
    ]
    (said,) = read(series, pods_of([device]))
    assert float(said.joules) == pytest.approx(
        device.joules(job.start, job.end), abs=2 * (MOST - IDLE) * (every + collect) + 1
    )


@settings(max_examples=60, deadline=None)
@given(seeds, intervals, st.integers(0, 59))
def test_integrated_power_is_within_two_percent_of_it(seed: int, every: int, phase: int) -> None:
    """Of a power that keeps to half its range and holds each level for 25 scrapes: a step is known to half a scrape."""
    dice = random.Random(seed)
    job, hold = Stay("job", LEAD, LENGTH - LEAD), 25 * every
    levels = [dice.uniform(MOST / 2, MOST) for _ in range(LENGTH // hold + 2)]
    curve = [levels[second // hold] if on([job], second) else IDLE for second in range(LENGTH + 1)]
    device = Device("GPU-1", [job], curve)
    (said,) = read(dcgm(device.printed(), scrapes(every, phase, dice, 0.0), metrics=(POWER,)), pods_of([device]))
    assert said.source == "dcgm-power"
    assert float(said.joules) == pytest.approx(device.joules(job.start, job.end), rel=0.02)


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.booleans())
def test_an_exporter_that_restarted_loses_an_interval_at_most_and_says_so(seed: int, every: int, power: bool) -> None:
    dice = random.Random(seed)
    job = Stay("job", LEAD, LENGTH - LEAD)
    device = drawing("GPU-1", [job], dice, level=300.0)
    reset_at = dice.randrange(job.start + every, job.end - every)
    metrics = (DCGM, POWER) if power else (DCGM,)
    seen = scrapes(every, 0, dice, 0.0)
    (said,) = read(dcgm(device.printed(reset_at), seen, metrics=metrics), pods_of([device]))
    lost = 0.0 if power else (job.end - job.start) - float(said.covered_seconds)
    assert lost <= every
    assert power or lost > 0
    assert float(said.joules) == pytest.approx(300 * (job.end - job.start - lost), **ROUNDING)
