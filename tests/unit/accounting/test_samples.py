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
def test_the_shares_of_pods_that_have_a_device_all_the_time_sum_to_it(hardware: Hardware, present: list[bool]) -> None:
    pods = [f"team/pod-{number}" for number, here in enumerate(present) if here]
    samples = scraped(hardware, 15)
    end = int(samples[-1].at)
    times = [sample.at for sample in samples]
    device = Device(counters=[samples], shown=dict.fromkeys(pods, times))
    shares = [share_of(device, pod, 0, end, MOST) for pod in pods]
    assert sum(total(list(share.segments)) for share in shares) == pytest.approx(hardware.joules(0, end))
    assert {share.divided for share in shares} == {len(pods) > 1}


def test_labels_that_claim_more_slices_than_a_gpu_has_never_exceed_it() -> None:
    instances = {"a": {"1": 4}, "b": {"2": 4}, "c": {}}
    device = Device(
        counters=[[Sample(0, 0), Sample(90, 9000)]],
        reserved=dict.fromkeys(instances, (0, 90)),
        instances={"a": {"1": 4}, "b": {"2": 4}},
    )
    parts = {pod: total(list(share_of(device, pod, 0, 90, 200).segments)) for pod in instances}
    assert parts == pytest.approx({"a": 4500, "b": 4500, "c": 0})


def test_a_pod_that_comes_between_two_scrapes_gets_its_own_power_and_not_the_average() -> None:
    """70 W until 75 and from 85 on, 700 W between."""
    samples = [Sample(0, 0), Sample(30, 2100), Sample(60, 4200), Sample(90, 4200 + 20 * 70 + 7000), Sample(120, 14700)]
    share = share_of(Device(counters=[samples], shown={"p": [80]}), "p", 75, 85, MOST)
    assert (total(list(share.segments)), share.divided) == (pytest.approx(7000), False)


def test_a_moment_on_a_device_is_given_no_more_than_the_hardware_can_draw() -> None:
    """As when a counter lags and the joules of a neighbour appear in the next interval."""
    samples = [Sample(0, 0), Sample(30, 2100), Sample(60, 4200), Sample(90, 4200 + 15_000), Sample(120, 21_300)]
    share = share_of(Device(counters=[samples], shown={"p": [80]}), "p", 79, 81, MOST)
    assert total(list(share.segments)) == pytest.approx(2 * MOST * 1.1)


def test_power_steps_where_somebody_comes_or_goes_and_not_in_the_middle() -> None:
    segments = power_segments([Sample(0, 70), Sample(30, 700), Sample(60, 70)], MOST, lambda *_: [])
    assert total(segments) == 30 * 385 * 2
    edges = {0.0: [25.0], 30.0: [35.0, 50.0]}
    stepped = power_segments([Sample(0, 70), Sample(30, 700), Sample(60, 70)], MOST, lambda start, _: edges[start])
    assert [segment.joules for segment in stepped] == [25 * 70, 5 * 700, 5 * 700, 15 * 385, 10 * 70]


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
