"""A pod's share of what its node draws above its power at rest, and what is said where the node was not seen."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from builders import make_profile
from coppice.accounting.idle_first import NodeSample, view_of
from coppice.accounting.metered import Metered
from coppice.adapters.meters import kepler, kepler_node
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.meters.prometheus import Series
from coppice.api.vocabulary import Component
from exporters import T0
from kepler_node import ACTIVE, IDLE, Node

START, END, LENGTH = 610, 1190, 1800
SECONDS = END - START
IDLE_WATTS, ABOVE_WATTS = 40.0, 45.0
CORES, POD_CORES, SYSTEM_CORES = 8, 2.0, 1.0
SHARE = POD_CORES / (POD_CORES + SYSTEM_CORES)
TRUE = SHARE * ABOVE_WATTS * SECONDS
SAID = SHARE * (POD_CORES + SYSTEM_CORES) / CORES * (IDLE_WATTS + ABOVE_WATTS) * SECONDS
"""What Kepler itself says of the pod."""
EVERY_15 = range(0, LENGTH, 15)
AT_ITS_ENDS = range(0, LENGTH, 10)
SPLIT, IN_PART, KEPLERS = "kepler, idle first", "kepler, idle first in part", "kepler"


def node(system_watts: float = 0.0, start: int = START, end: int = END, **zones: float) -> Node:
    """A pod works evenly for a while; the system works too, and draws so much above idle while the pod is away."""
    here = [start <= second < end for second in range(LENGTH)]
    used = {
        "uid-1": [POD_CORES if one else 0.0 for one in here],
        "system": [SYSTEM_CORES if one or system_watts else 0.0 for one in here],
    }
    above = [ABOVE_WATTS if one else system_watts for one in here]
    return Node(IDLE_WATTS, above, used, {"uid-1": (start, end)}, CORES, zones or {"package": 1.0})


def read(series: Sequence[Series], idle_watts: float = 60.0, start: int = START) -> dict[Component, Metered]:
    profile = make_profile().host(idleWatts=str(idle_watts), peakWatts="260").build().spec
    pod = MeteredPod("uid-1", "research", "p", T0 + start, T0 + END, 0, profile)
    own = [one for one in series if one.labels.get("pod_id") == "uid-1"]
    found = kepler.readings(pod, own, T0 + LENGTH, kepler_node.views(series).get("node-1", []))
    return {one.component: one for one in found}


def cpu(series: Sequence[Series], idle_watts: float = 60.0) -> tuple[float, str]:
    found = read(series, idle_watts)[Component.CPU]
    return float(found.joules), found.source


def of_pods(series: Sequence[Series]) -> list[Series]:
    return [one for one in series if "pod_id" in one.labels]


def of_nodes(series: Sequence[Series], **labels: str) -> list[Series]:
    return [Series({**one.labels, **labels}, one.samples) for one in series if "pod_id" not in one.labels]


@pytest.mark.parametrize("every", [1, 5, 15, 30, 60])
def test_a_pod_gets_its_share_of_what_lies_above_rest_whatever_kepler_calls_active(every: int) -> None:
    assert abs(SAID / TRUE - 1) > 0.05
    assert cpu(node().scraped(range(0, LENGTH, every))) == (pytest.approx(TRUE), SPLIT)


def test_the_time_that_is_covered_is_keplers() -> None:
    assert float(read(node().scraped(EVERY_15))[Component.CPU].covered_seconds) == SECONDS


def test_a_pod_shorter_than_a_scrape_gets_its_own_power() -> None:
    brief = node(start=701, end=709).scraped(EVERY_15)
    profile = make_profile().host(idleWatts="60", peakWatts="260").build().spec
    pod = MeteredPod("uid-1", "research", "p", T0 + 701, T0 + 709, 0, profile)
    (found,) = kepler.readings(pod, of_pods(brief), T0 + LENGTH, kepler_node.views(brief)["node-1"])
    assert (float(found.joules), found.source) == (pytest.approx(SHARE * ABOVE_WATTS * 8), SPLIT)


def test_of_a_node_that_never_rests_the_lowest_power_seen_is_taken_off() -> None:
    assert cpu(node(system_watts=15).scraped(AT_ITS_ENDS)) == (pytest.approx(TRUE - SHARE * 15 * SECONDS), SPLIT)


def test_never_more_than_the_hosts_idle_watts_is_taken_off_which_hold_the_packages() -> None:
    """What may be missing is at most what the rest of the host draws at rest."""
    lacking = SHARE * (50 - IDLE_WATTS) * SECONDS
    assert cpu(node(system_watts=15).scraped(AT_ITS_ENDS), idle_watts=50) == (pytest.approx(TRUE - lacking), SPLIT)
    assert cpu(node().scraped(AT_ITS_ENDS), idle_watts=0) == (pytest.approx(TRUE + SHARE * IDLE_WATTS * SECONDS), SPLIT)


def test_memory_is_split_too_and_both_together_leave_no_more_than_the_hosts_idle_watts() -> None:
    series = node(package=1.0, dram=0.25).scraped(AT_ITS_ENDS)
    found = read(series, idle_watts=60)
    assert float(found[Component.CPU].joules) == pytest.approx(TRUE)
    assert float(found[Component.MEMORY].joules) == pytest.approx(TRUE / 4)
    capped = read(series, idle_watts=25)
    both = sum(float(one.joules) for one in capped.values())
    assert both == pytest.approx(1.25 * TRUE + SHARE * (1.25 * IDLE_WATTS - 25) * SECONDS)


def test_sockets_have_a_power_at_rest_each() -> None:
    series = node(**{"package-0": 1.0, "package-1": 0.5}).scraped(EVERY_15)
    assert cpu(series) == (pytest.approx(1.5 * TRUE), SPLIT)


@pytest.mark.parametrize(
    "lost",
    [
        of_pods,
        lambda series: [one for one in series if one.labels["__name__"] != IDLE],
        lambda series: [one for one in series if one.labels["__name__"] != ACTIVE],
        lambda series: [*of_pods(series), *of_nodes(series, node_name="node-2")],
        lambda series: [*of_pods(series), *of_nodes(series, instance="10.0.0.2:28282")],
        lambda series: [*of_pods(series), *of_nodes(series, zone="psys")],
        lambda series: [replace(one, samples=one.samples[:2]) if "pod_id" not in one.labels else one for one in series],
    ],
    ids=["none", "no idle", "no active", "another node", "a node of another cluster", "another zone", "before the pod"],
)
def test_without_the_nodes_series_keplers_figure_stands_and_says_so(lost: object) -> None:
    assert cpu(lost(node().scraped(EVERY_15))) == (pytest.approx(SAID), KEPLERS)  # type: ignore[operator]


def test_a_node_that_was_seen_for_a_while_is_split_for_that_while() -> None:
    series = node().scraped(EVERY_15)
    late = [Series(one.labels, one.samples[-60:]) for one in of_nodes(series)]
    split = END - (LENGTH - 15 - 59 * 15)
    joules, source = cpu([*of_pods(series), *late])
    assert source == IN_PART
    assert joules == pytest.approx((TRUE * split + SAID * (SECONDS - split)) / SECONDS)


def test_a_kepler_that_restarted_leaves_one_interval_uncovered_and_loses_no_power_at_rest() -> None:
    found = read(node().scraped(EVERY_15, restart_at=907))[Component.CPU]
    assert (float(found.covered_seconds), found.source) == (SECONDS - 15, SPLIT)
    assert float(found.joules) == pytest.approx(TRUE * (SECONDS - 15) / SECONDS)


def test_two_replicas_and_two_exporters_are_counted_once() -> None:
    one = node()
    replicas = [*one.scraped(EVERY_15, replica="a"), *one.scraped(EVERY_15, replica="b")]
    apart = [*one.scraped(EVERY_15), *one.scraped(range(7, LENGTH, 15), instance="10.0.0.9:28282")]
    sparse = [*one.scraped(EVERY_15, replica="a"), *one.scraped(range(4, LENGTH, 45), replica="b")]
    for series in (replicas, apart, sparse):
        assert cpu(series) == (pytest.approx(TRUE), SPLIT)


def test_a_replica_that_did_not_scrape_for_a_while_is_helped_by_the_other() -> None:
    one = node()
    holes = [second for second in EVERY_15 if not 700 < second < 900]
    series = [*one.scraped(holes, replica="a"), *one.scraped(range(7, LENGTH, 15), replica="b")]
    assert cpu(series) == (pytest.approx(TRUE, rel=1e-3), SPLIT)


def test_a_hole_in_scraping_is_bridged_by_the_counters() -> None:
    holes = [second for second in EVERY_15 if not 700 < second < 1000]
    assert cpu(node().scraped(holes)) == (pytest.approx(TRUE), SPLIT)


def test_joules_that_the_hardware_cannot_draw_are_no_nodes() -> None:
    series = node().scraped(EVERY_15)
    wild = [
        Series(one.labels, tuple(replace(s, value=s.value * 1000) for s in one.samples)) for one in of_nodes(series)
    ]
    assert cpu([*of_pods(series), *wild]) == (pytest.approx(SAID), KEPLERS)


def test_values_that_are_shown_again_for_a_while_are_no_power_of_0_watts() -> None:
    def stuck(one: Series) -> Series:
        held = next(s.value for s in one.samples if s.at >= T0 + 300)
        return Series(one.labels, tuple(replace(s, value=held) if 300 <= s.at - T0 <= 400 else s for s in one.samples))

    series = node().scraped(EVERY_15)
    assert cpu([*of_pods(series), *map(stuck, of_nodes(series))]) == (pytest.approx(TRUE), SPLIT)


def test_idle_joules_that_fall_a_little_on_a_busy_node_are_no_restart() -> None:
    """A share of time above 1, as clocks of processors may say for a moment."""
    samples = [NodeSample(0, 0, 100), NodeSample(15, 615, 85), NodeSample(30, 1200, 100)]
    assert [one.total for one in view_of(samples, 260).intervals] == [600, 600]


def test_a_pod_that_sleeps_has_0_joules_and_says_whether_its_node_was_seen() -> None:
    asleep = node()
    asleep.used = {**asleep.used, "uid-1": [0.0] * LENGTH}
    series = asleep.scraped(EVERY_15)
    assert cpu(series) == (0, SPLIT)
    assert cpu(of_pods(series)) == (0, KEPLERS)


def test_power_is_told_over_half_a_minute_because_values_are_older_than_their_times() -> None:
    """Every second value is half a second late, so that every second interval of a second seems to be half as long."""
    samples = [NodeSample(at, 0.0, 40.0 * (at - (0.5 if at % 2 else 0.0))) for at in range(301)]
    assert view_of(samples, 260).least_watts() == pytest.approx(40, rel=0.02)


def test_intervals_that_seem_to_draw_less_than_rest_are_taken_with_those_beside_them() -> None:
    samples = [NodeSample(at, 0.01 * at, 40.0 * (at - (0.5 if at % 2 else 0.0))) for at in range(301)]
    view = view_of(samples, 260)
    watts = view.least_watts()
    joined = view.joined(watts)
    parts = [one for one in joined.intervals if one.less_than(watts)]
    assert parts == []
    assert sum(one.total for one in joined.intervals) == pytest.approx(sum(one.total for one in view.intervals))


@pytest.mark.parametrize(
    ("name", "found"), [("gpu-1.example.org", "gpu-1.example.org"), ('x"} or up{a="', ""), ("", "")]
)
def test_only_a_nodes_name_gets_into_a_query(name: str, found: str) -> None:
    assert kepler_node.name_of({"node_name": name}) == found


def test_the_selector_names_the_nodes_alone() -> None:
    assert 'node_name=~"a|b"' in kepler_node.selector({"b", "a"})
