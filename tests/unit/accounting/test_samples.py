"""Samples to joules against hardware that is known: the oracle adds up every second of true power, and nothing else.

A simulated device draws a power of its own for each second; an exporter reads its counter every so often, a scraper
reads the exporter every so often. The product sees only what was scraped.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coppice.accounting.devices import Device, share_of, summed
from coppice.accounting.metered import coarse, metered
from coppice.accounting.samples import (
    Sample,
    Segment,
    counter_segments,
    in_holes,
    merged,
    power_segments,
    seconds_of,
    within,
)
from coppice.api.vocabulary import Component, Grade

MOST = 700.0
LENGTH = 1800
START, END = 700, 1100
"""The pod's time: power changes at 900, and not within a minute of its ends."""


@dataclass(frozen=True)
class Hardware:
    """Watts for each second."""

    watts: tuple[float, ...]

    @cached_property
    def until(self) -> tuple[float, ...]:
        """Joules until each second."""
        return tuple(accumulate(self.watts, initial=0.0))

    def joules(self, start: int, end: int) -> float:
        """The truth."""
        return self.until[end] - self.until[start]

    def counter(self, at: int, since: int = 0) -> float:
        return self.joules(since, at)


def steps(levels: list[float]) -> Hardware:
    """Levels of power in turn, each for its part of the time."""
    part = LENGTH // len(levels)
    return Hardware(tuple(level for level in levels for _ in range(part)))


levels = st.lists(st.floats(70, MOST), min_size=6, max_size=6).map(steps)


def scraped(hardware: Hardware, every: int, collect: int = 1, phase: int = 0, until: int = LENGTH) -> list[Sample]:
    """What a scrape every so many seconds sees of a counter that is collected every so many."""
    return [Sample(float(at), hardware.counter(at // collect * collect)) for at in range(phase, until, every)]


def total(segments: list[Segment]) -> float:
    return sum(segment.joules for segment in segments)


@settings(max_examples=10, deadline=None)
@given(levels, st.sampled_from([1, 5, 15, 30, 60]), st.integers(0, 14))
def test_a_counter_gives_the_true_energy_whatever_the_scrape_interval(
    hardware: Hardware, every: int, phase: int
) -> None:
    segments = counter_segments(scraped(hardware, every, phase=phase), MOST)
    assert total(within(segments, START, END)) == pytest.approx(hardware.joules(START, END))


@settings(max_examples=10, deadline=None)
@given(st.floats(70, MOST), st.sampled_from([1, 5, 15, 30, 60]), st.sampled_from([1, 10, 30]), st.integers(0, 14))
def test_an_even_power_is_exact_for_a_counter_that_is_collected_with_its_scrape(
    watts: float, every: int, collect: int, phase: int
) -> None:
    hardware = steps([watts])
    segments = within(counter_segments(scraped(hardware, every, collect, phase), MOST), START, END)
    lag = collect if collect > 1 else 0
    assert abs(total(segments) - watts * (END - START)) <= watts * lag + 1e-6
    assert seconds_of(segments) == pytest.approx(END - START)


@settings(max_examples=10, deadline=None)
@given(levels, st.sampled_from([1, 5, 15, 30]))
def test_integrated_power_is_off_by_at_most_half_an_interval_at_each_step(hardware: Hardware, every: int) -> None:
    samples = [Sample(float(at), hardware.watts[at]) for at in range(0, LENGTH, every)]
    found = total(within(power_segments(samples, MOST), START, END))
    truth, step = hardware.joules(START, END), abs(hardware.watts[START] - hardware.watts[END])
    assert abs(found - truth) <= step * every / 2 + 1e-6


@settings(max_examples=10, deadline=None)
@given(levels, st.integers(START + 30, END - 30), st.sampled_from([5, 15, 30]))
def test_a_reset_loses_one_interval_that_is_left_uncovered_and_adds_nothing(
    hardware: Hardware, reset: int, every: int
) -> None:
    samples = [
        Sample(float(at), hardware.counter(at, reset if at >= reset else 0) + (1e6 if at < reset else 0.0))
        for at in range(0, LENGTH, every)
    ]
    segments = within(counter_segments(samples, MOST), START, END)
    found, truth = total(segments), hardware.joules(START, END)
    assert found <= truth + 1e-6 + 2 * every * MOST
    assert END - START - every <= seconds_of(segments) < END - START
    assert truth - found <= 3 * every * MOST


def test_a_spike_that_the_hardware_cannot_draw_is_a_gap() -> None:
    samples = [Sample(0, 0), Sample(30, 3000), Sample(60, 3_000_000), Sample(90, 3_003_000)]
    segments = counter_segments(samples, 100)
    assert [(segment.start, segment.joules) for segment in segments] == [(0, 3000), (60, 3000)]
    watts = [Sample(0, 70), Sample(15, 9000), Sample(30, 70), Sample(45, 70)]
    assert total(power_segments(watts, 70)) == pytest.approx(70 * 45)


def test_equal_values_of_a_device_mean_that_nothing_newer_is_known() -> None:
    samples = [Sample(0, 0), Sample(15, 0), Sample(30, 3000), Sample(45, 3000), Sample(60, 6000), Sample(75, 6000)]
    segments = counter_segments(samples, 100)
    assert [(segment.start, segment.end) for segment in segments] == [(0, 30), (30, 60)]
    assert counter_segments(samples, 100, current=True)[-1] == Segment(60, 75, 0)


@settings(max_examples=10, deadline=None)
@given(levels, st.integers(1, 14), st.integers(1, 40), st.booleans())
def test_two_exporters_of_one_device_are_not_counted_twice(
    hardware: Hardware, offset: int, lag: int, hole: bool
) -> None:
    first = [sample for sample in scraped(hardware, 15) if not (hole and 700 < sample.at < 900)]
    second = [Sample(float(at), hardware.counter(max(at - lag, 0))) for at in range(offset, LENGTH, 15)]
    both = counter_segments(merged([first, second], counter=True), MOST)
    assert total(both) <= hardware.joules(0, LENGTH) + 1e-6
    assert total(both) >= hardware.joules(0, LENGTH - 60) - 1e-6
    assert all(before.end <= after.start for before, after in pairwise(both))


def test_power_fills_the_holes_of_a_counter() -> None:
    counted = [Segment(0, 30, 3000), Segment(60, 90, 3000)]
    drawn = [Segment(0, 45, 4500), Segment(45, 90, 4500)]
    assert total(in_holes(counted, drawn)) == pytest.approx(9000)
    assert seconds_of(in_holes(counted, drawn)) == 90


@settings(max_examples=10, deadline=None)
@given(levels, st.lists(st.booleans(), min_size=3, max_size=3).filter(any))
def test_the_shares_of_pods_on_one_device_sum_to_the_device(hardware: Hardware, present: list[bool]) -> None:
    pods = [f"team/pod-{number}" for number, here in enumerate(present) if here]
    times = [float(at) for at in range(START, END + 1, 15)]
    device = Device(counters=[scraped(hardware, 15)], shown=dict.fromkeys(pods, times))
    shares = [share_of(device, pod, START, END, MOST) for pod in pods]
    whole = hardware.joules(START, END)
    assert sum(total(list(share.segments)) for share in shares) == pytest.approx(whole)
    assert {share.divided for share in shares} == {len(pods) > 1}


@settings(max_examples=10, deadline=None)
@given(levels, st.lists(st.integers(1, LENGTH - 1), min_size=2, max_size=8, unique=True), st.sampled_from([5, 15, 30]))
def test_pods_in_turn_and_the_idle_time_between_them_are_the_whole_device(
    hardware: Hardware, moments: list[int], every: int
) -> None:
    ends = sorted(moments)[: len(moments) // 2 * 2]
    turns = list(zip(ends[::2], ends[1::2], strict=True))
    times = range(0, LENGTH, every)
    shown = {f"p{n}": [float(at) for at in times if start <= at <= end] for n, (start, end) in enumerate(turns)}
    device = Device(counters=[scraped(hardware, every)], shown=shown)
    pods = [share_of(device, f"p{n}", start, end, MOST) for n, (start, end) in enumerate(turns)]
    whole = counter_segments(device.counters[0], MOST)
    edges = [whole[0].start, *map(float, ends), whole[-1].end]
    idle = [within(whole, start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    summed_up = sum(total(list(share.segments)) for share in pods) + sum(total(part) for part in idle)
    assert summed_up == pytest.approx(total(whole))
    assert not any(share.divided for share in pods)


@settings(max_examples=10, deadline=None)
@given(levels, st.lists(st.integers(1, 3), min_size=1, max_size=4).filter(lambda slices: sum(slices) <= 7))
def test_mig_instances_never_exceed_their_gpu(hardware: Hardware, slices: list[int]) -> None:
    by_pod = {f"team/pod-{number}": count for number, count in enumerate(slices)}
    times = [float(at) for at in range(START, END, 15)]
    device = Device(counters=[scraped(hardware, 15)], shown=dict.fromkeys(by_pod, times), slices=by_pod)
    shares = [share_of(device, pod, START, END, MOST) for pod in by_pod]
    expected = hardware.joules(START, END) * sum(slices) / 7
    assert sum(total(list(share.segments)) for share in shares) == pytest.approx(expected)
    assert all(share.divided for share in shares)


def test_a_time_that_one_of_several_devices_lacks_is_a_gap() -> None:
    whole, late = (
        Device(counters=[[Sample(0, 0), Sample(90, 900)]]),
        Device(counters=[[Sample(30, 0), Sample(90, 600)]]),
    )
    both = summed(share_of(device, "p", 0, 90, 100) for device in (whole, late))
    assert (total(list(both)), seconds_of(both)) == (pytest.approx(600 + 600), 60)


@settings(max_examples=10, deadline=None)
@given(levels, st.sampled_from([15, 60]), st.sampled_from([1, 3, 96]))
def test_slots_and_coarser_slots_keep_every_joule(hardware: Hardware, every: int, at_most: int) -> None:
    segments = counter_segments(scraped(hardware, every), MOST)
    found = metered(Component.ACCELERATOR, Grade.MEASURED, "dcgm-counter", segments)
    assert found is not None
    assert float(found.joules) == pytest.approx(total(segments), abs=1e-4)
    assert float(found.covered_seconds) == pytest.approx(seconds_of(segments))
    less = coarse(found, at_most)
    assert less.joules == found.joules
    assert len(less.slices) <= max(at_most, 1)


def test_nothing_gives_nothing_rather_than_zero() -> None:
    assert metered(Component.CPU, Grade.MEASURED, "kepler", []) is None
    assert counter_segments([Sample(0, 5)], MOST) == []
    assert merged([], counter=True) == []
