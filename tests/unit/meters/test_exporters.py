"""What dcgm-exporter and Kepler say, read: every spelling of labels, and every way in which they mislead."""

from collections.abc import Sequence
from typing import Any

import pytest

from builders import make_profile
from coppice.accounting.metered import Metered
from coppice.adapters.meters import kepler as kepler_meter
from coppice.adapters.meters.dcgm import accelerator, devices
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.meters.prometheus import Series
from coppice.api.vocabulary import Component, Grade
from exporters import DCGM, POWER, T0, Gpu, dcgm, kepler

GPU_NODE = make_profile("h100").accelerator().build().spec
CPU_NODE = make_profile().build().spec
EVERY_15 = range(0, 1800, 15)
START, END = 610, 1190
SECONDS = END - START
OURS = ("research", "topics-0a1b2-1-0", START, END)


def pod(accelerators: int = 1, name: str = OURS[1], end: int | None = END, **fields: Any) -> MeteredPod:
    until = None if end is None else T0 + end
    profile = GPU_NODE if accelerators else CPU_NODE
    return MeteredPod("uid-1", "research", name, T0 + START, until, accelerators, fields.get("profile", profile))


def read(series: Sequence[Series], one: MeteredPod | None = None) -> Metered | None:
    one = one or pod()
    return accelerator(one, devices(series, {one.full_name: (one.start, one.until(0))}), T0 + 1800)


def joules(found: Metered | None) -> float:
    assert found is not None
    return float(found.joules)


@pytest.mark.parametrize("renamed", [True, False])
@pytest.mark.parametrize("metrics", [(DCGM, POWER), (DCGM,), (POWER,)])
@pytest.mark.parametrize("every", [5, 15, 60])
def test_a_pod_gets_what_its_device_drew_in_its_time(renamed: bool, metrics: tuple[str, ...], every: int) -> None:
    found = read(dcgm([Gpu("GPU-1", 300, [OURS])], range(0, 1800, every), renamed=renamed, metrics=metrics))
    assert found is not None
    assert (found.grade, joules(found)) == (Grade.MEASURED, pytest.approx(300 * SECONDS))
    assert float(found.covered_seconds) == pytest.approx(SECONDS)
    assert found.source == ("dcgm-counter" if DCGM in metrics else "dcgm-power")


def test_the_ends_of_a_pod_between_two_scrapes_are_not_lost() -> None:
    short = ("research", "short", 700, 716)
    brief = MeteredPod("uid-2", "research", "short", T0 + 700, T0 + 716, 1, GPU_NODE)
    assert joules(read(dcgm([Gpu("GPU-1", 300, [short])], EVERY_15), brief)) == pytest.approx(300 * 16)


def test_the_exporters_own_pod_is_nobody() -> None:
    neighbour = ("other", "idle", 0, 500)
    found = read(dcgm([Gpu("GPU-1", 300, [neighbour, OURS])], EVERY_15))
    assert found is not None
    assert (found.grade, joules(found)) == (Grade.MEASURED, pytest.approx(300 * SECONDS))


def test_several_devices_of_a_pod_are_added() -> None:
    gpus = [Gpu("GPU-1", 300, [OURS]), Gpu("GPU-2", 100, [OURS]), Gpu("GPU-3", 700)]
    assert joules(read(dcgm(gpus, EVERY_15), pod(2))) == pytest.approx(400 * SECONDS)


def test_a_device_that_shows_too_few_of_the_pods_accelerators_says_nothing() -> None:
    assert read(dcgm([Gpu("GPU-1", 300, [OURS])], EVERY_15), pod(2)) is None


@pytest.mark.parametrize("series", [[], dcgm([Gpu("GPU-1", 300, [OURS])], EVERY_15, mapped=False)])
def test_without_pod_labels_nothing_is_said_rather_than_zero(series: list[Series]) -> None:
    assert read(series) is None


def test_two_exporters_and_two_replicas_are_counted_once() -> None:
    gpu = Gpu("GPU-1", 300, [OURS])
    twice = [*dcgm([gpu], EVERY_15), *dcgm([gpu], range(7, 1800, 15), instance="10.0.0.9:9400")]
    replicas = [
        Series({**item.labels, "prometheus_replica": name}, item.samples)
        for item in dcgm([gpu], EVERY_15)
        for name in ("a", "b")
    ]
    assert joules(read(twice)) == pytest.approx(300 * SECONDS)
    assert joules(read(replicas)) == pytest.approx(300 * SECONDS)


def test_time_slicing_divides_a_device_and_says_estimated() -> None:
    """Two pods share for the first half of our time; each exporter line carries the whole device's value."""
    other = ("research", "other", 0, 900)
    series = dcgm([Gpu("GPU-1", 300, [OURS, other])], EVERY_15)
    ours, theirs = read(series), read(series, pod(name="other"))
    assert ours is not None
    assert theirs is not None
    assert (ours.grade, ours.source) == (Grade.ESTIMATED, "dcgm-counter, divided")
    assert joules(ours) == pytest.approx(300 * (290 / 2 + 290), rel=0.03)
    both_until_900 = 300 * 290
    assert joules(ours) + joules(theirs) <= 300 * SECONDS + both_until_900


def test_a_mig_instance_gets_its_slices_of_the_gpu() -> None:
    instance = {"GPU_I_PROFILE": "3g.40gb", "GPU_I_ID": "1"}
    other = Gpu("GPU-1", 300, [("other", "y", 0, 1800)], extra={"GPU_I_PROFILE": "4g.40gb", "GPU_I_ID": "2"})
    found = read(dcgm([Gpu("GPU-1", 300, [OURS], extra=instance), other], EVERY_15))
    assert found is not None
    assert (found.grade, joules(found)) == (Grade.ESTIMATED, pytest.approx(300 * SECONDS * 3 / 7))


def test_a_driver_that_was_loaded_again_leaves_a_gap_that_power_fills() -> None:
    gpu = Gpu("GPU-1", 300, [OURS], reset_at=805)
    assert joules(read(dcgm([gpu], EVERY_15))) == pytest.approx(300 * SECONDS)
    alone = read(dcgm([gpu], EVERY_15, metrics=(DCGM,)))
    assert alone is not None
    assert float(alone.covered_seconds) == SECONDS - 15
    assert joules(alone) == pytest.approx(300 * (SECONDS - 15))


def test_watts_that_the_board_cannot_draw_are_left_out() -> None:
    found = read(dcgm([Gpu("GPU-1", 9000, [OURS])], EVERY_15))
    assert found is None or joules(found) == 0


def test_a_running_pod_is_read_up_to_the_last_scrape() -> None:
    running = pod(end=None)
    series = dcgm([Gpu("GPU-1", 300, [(*OURS[:3], 9999)])], range(0, 900, 15))
    found = accelerator(running, devices(series, {}), T0 + 900)
    assert joules(found) == pytest.approx(300 * (885 - START))


def test_a_hole_in_scraping_is_bridged_by_the_counter_and_not_by_power() -> None:
    seconds = [second for second in EVERY_15 if not 800 < second < 1100]
    gpu = Gpu("GPU-1", 300, [OURS])
    assert joules(read(dcgm([gpu], seconds, metrics=(DCGM,)))) == pytest.approx(300 * SECONDS)
    power = read(dcgm([gpu], seconds, metrics=(POWER,)))
    assert power is not None
    assert float(power.covered_seconds) < SECONDS - 290
    assert joules(power) == pytest.approx(300 * float(power.covered_seconds))


def cpu(series: list[Series], now: float = 1800, end: int | None = END) -> dict[Component, Metered]:
    found = kepler_meter.readings(pod(0, end=end), series, T0 + now)
    return {item.component: item for item in found}


@pytest.mark.parametrize("every", [5, 15, 60])
def test_kepler_gives_package_and_dram_and_no_overlapping_zone(every: int) -> None:
    found = cpu(kepler("uid-1", 4.0, START, END, range(0, 1800, every)))
    assert joules(found[Component.CPU]) == pytest.approx(4 * SECONDS)
    assert joules(found[Component.MEMORY]) == pytest.approx(0.4 * SECONDS)
    assert set(found) == {Component.CPU, Component.MEMORY}
    assert float(found[Component.CPU].covered_seconds) == pytest.approx(SECONDS)


def test_sockets_are_added_unless_their_sum_is_there() -> None:
    sockets = {"package-0": 1.0, "package-1": 0.5}
    apart = cpu(kepler("uid-1", 2.0, START, END, EVERY_15, zones=sockets))
    assert joules(apart[Component.CPU]) == pytest.approx(3 * SECONDS)
    summed = cpu(kepler("uid-1", 2.0, START, END, EVERY_15, zones={**sockets, "package": 1.5}))
    assert joules(summed[Component.CPU]) == pytest.approx(3 * SECONDS)


def test_a_pod_that_sleeps_is_metered_as_nothing_and_not_as_a_gap() -> None:
    found = cpu(kepler("uid-1", 0.0, START, END, EVERY_15))
    assert (joules(found[Component.CPU]), float(found[Component.CPU].covered_seconds)) == (0, pytest.approx(SECONDS))


def test_a_kepler_that_restarted_leaves_one_interval_uncovered() -> None:
    found = cpu(kepler("uid-1", 4.0, START, END, EVERY_15, restart_at=907))[Component.CPU]
    assert float(found.covered_seconds) == pytest.approx(SECONDS - 15)
    assert joules(found) == pytest.approx(4 * (SECONDS - 15), rel=0.01)


def test_a_kepler_that_came_late_covers_what_it_saw() -> None:
    found = cpu(kepler("uid-1", 4.0, START, END, range(1000, 1800, 15)))[Component.CPU]
    assert float(found.covered_seconds) == pytest.approx(END - 1000)
    assert joules(found) == pytest.approx(4 * (END - 1000))


def test_a_pod_shorter_than_a_scrape_is_known_from_its_terminated_series() -> None:
    brief = MeteredPod("uid-1", "research", "p", T0 + 701, T0 + 709, 0, CPU_NODE)
    found = kepler_meter.readings(brief, kepler("uid-1", 5.0, 701, 709, EVERY_15), T0 + 1800)
    assert joules(found[0]) == pytest.approx(40)


def test_the_selector_names_the_pods_alone() -> None:
    assert kepler_meter.selector({"b", "a"}).startswith('kepler_pod_cpu_joules_total{pod_id=~"a|b",')
