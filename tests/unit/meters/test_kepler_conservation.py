"""Idle first: pods, other processes and power at rest sum to what Kepler's own samples say of a node.

The node of these tests draws its idle power and above it what it likes in each second; pods, and everything else that
runs as one more pod, use CPU time as they like. What the product says must fit what was printed, added up here by rules
of its own, and the truth of each second.
"""

import random
from collections.abc import Iterable, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders import make_profile
from coppice.accounting.metered import Metered
from coppice.adapters.meters import kepler as meter
from coppice.adapters.meters import kepler_node
from coppice.adapters.meters.pods import LAST_WORD_SECONDS, MARGIN_SECONDS, MeteredPod
from coppice.adapters.meters.prometheus import Series
from coppice.api.computeprofile import ComputeProfileSpec
from coppice.api.vocabulary import Component
from exporters import KEPLER, T0, kepler
from kepler_node import ACTIVE, IDLE, Node

LENGTH = 1500
REST = 250
"""Seconds in which the node idles before somebody comes: more than what is read before a pod's start."""
IDLE_WATTS, MOST_ABOVE, HOST_IDLE_WATTS = 40.0, 160.0, 60.0
ROUNDING = {"rel": 1e-9, "abs": 1e-3}
NOBODY = "nobody"
"""Works like a pod and is none."""

LEAST = 30
"""Seconds over which a power counts as seen."""

intervals = st.integers(1, 60)
seeds = st.integers(0, 2**32)


def spec(idle_watts: float = HOST_IDLE_WATTS) -> ComputeProfileSpec:
    return make_profile().host(idleWatts=f"{idle_watts:.6f}", peakWatts="400").build().spec


def working(dice: random.Random, spans: Mapping[str, tuple[int, int]], zones: Mapping[str, float]) -> Node:
    """Everybody works unevenly while they are there, and only then the package draws more than at rest."""
    used = {
        uid: [dice.uniform(0.01, 2) if start <= second < end else 0.0 for second in range(LENGTH)]
        for uid, (start, end) in spans.items()
    }
    above = [
        dice.uniform(0, MOST_ABOVE) if any(one[second] for one in used.values()) else 0.0 for second in range(LENGTH)
    ]
    return Node(
        IDLE_WATTS, above, used, {uid: span for uid, span in spans.items() if not uid.startswith(NOBODY)}, zones=zones
    )


def read(node: Node, series: Sequence[Series], profile: ComputeProfileSpec) -> dict[str, dict[Component, Metered]]:
    """What the product says of each pod."""
    found = {}
    for uid, (start, end) in node.spans.items():
        pod = MeteredPod(uid, "research", uid, T0 + start, T0 + end, 0, profile)
        own = [one for one in series if one.labels.get("pod_id") == uid]
        said = meter.readings(pod, own, T0 + LENGTH, kepler_node.views(series)["node-1"])
        found[uid] = {one.component: one for one in said}
    return found


def joules(said: Mapping[str, Mapping[Component, Metered]], *components: Component) -> float:
    """What all pods get; one that no scrape saw gets nothing here and is estimated elsewhere."""
    return sum(float(one[part].joules) for one in said.values() for part in components if part in one)


def printed(series: Iterable[Series], zone: str) -> dict[float, float]:
    """A node's joules at each scrape, active and idle."""
    totals: dict[float, float] = {}
    for one in series:
        if one.labels["__name__"] in {ACTIVE, IDLE} and one.labels["zone"] == zone and "replica" not in one.labels:
            for sample in one.samples:
                totals[sample.at] = totals.get(sample.at, 0.0) + sample.value
    return totals


def lowest_watts(totals: Mapping[float, float], start: int, end: int) -> float:
    """Of all pairs of samples from before a pod's start to after its end that are far enough apart."""
    times = [at for at in sorted(totals) if T0 + start - MARGIN_SECONDS <= at <= T0 + end + LAST_WORD_SECONDS]
    return min(
        (totals[after] - totals[before]) / (after - before)
        for number, before in enumerate(times)
        for after in times[number + 1 :]
        if after - before >= LEAST
    )


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.integers(0, 59))
def test_pods_other_processes_and_power_at_rest_sum_to_the_node(seed: int, every: int, phase: int) -> None:
    """Pods that come together and go one by one, on a node that rests before: its power at rest is seen exactly."""
    dice = random.Random(seed)
    seen = range(phase % every, LENGTH, every)
    spans: dict[str, tuple[int, int]] = {}
    for turn in (REST, REST + 600):
        for number in range(dice.choice([1, 2, 3])):
            spans[f"pod-{turn}-{number}"] = (turn, turn + dice.randrange(5, 300))
        spans[f"system-{turn}"] = (turn, turn + 310)
    node = working(dice, spans, {"package": 1.0, "dram": 0.1})
    series = node.scraped(seen)
    said = read(node, series, spec())
    for component, zone in ((Component.CPU, "package"), (Component.MEMORY, "dram")):
        totals = printed(series, zone)
        drawn = totals[T0 + seen[-1]] - totals[T0 + seen[0]]
        rest = IDLE_WATTS * node.zones[zone] * (seen[-1] - seen[0])
        assert joules(said, component) + rest == pytest.approx(drawn, **ROUNDING)
    assert {one.source for found in said.values() for one in found.values()} == {"kepler, idle first"}
    if every == 1:
        for uid, (start, end) in spans.items():
            true = sum(node.above[second] * node.share(uid, second) for second in range(start, end))
            assert float(said[uid][Component.CPU].joules) == pytest.approx(true, **ROUNDING)


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.booleans(), st.floats(1, 150), st.booleans())
def test_pods_that_reserve_a_whole_host_never_bear_more_than_it_draws_and_its_watts_at_rest(
    seed: int, every: int, works_always: bool, host_idle_watts: float, twice: bool
) -> None:
    """To the joule, however busy the node, whatever its profile says, with scrapes that fail.

    But for the ends, where dense samples that seem to draw less than rest are taken with those of others beside them.
    """
    dice = random.Random(seed)
    edges = [second for second in range(0, LENGTH, every) if REST <= second <= LENGTH - REST]
    start, end = edges[0], edges[-1]
    seen = [at for at in range(0, LENGTH, every) if at in {start, start + every, end} or dice.random() > 0.1]
    spans = {f"pod-{number}": (start, end) for number in range(dice.choice([1, 2, 4]))}
    others = {f"{NOBODY} before": (0, start), f"{NOBODY} after": (end, LENGTH)} if works_always else {}
    node = working(dice, {**spans, **others}, {"package": 1.0, "dram": 0.2})
    series = node.scraped(seen)
    if twice:
        series += node.scraped(seen[::2], replica="b")
    said = read(node, series, spec(host_idle_watts))
    totals = {zone: printed(series, zone) for zone in node.zones}
    drawn = sum(one[T0 + end] - one[T0 + start] for one in totals.values())
    floor = min(sum(lowest_watts(one, start, end) for one in totals.values()), host_idle_watts)
    borne = joules(said, Component.CPU, Component.MEMORY) + host_idle_watts * (end - start)
    ends = MOST_ABOVE * LEAST if works_always and every < LEAST else ROUNDING["abs"]
    assert borne == pytest.approx(drawn + (host_idle_watts - floor) * (end - start), rel=1e-9, abs=ends)


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.integers(0, 59))
def test_no_pod_gets_what_the_package_draws_at_rest(seed: int, every: int, phase: int) -> None:
    """Whoever comes and goes when, with scrapes that fail: all pods together get less than was drawn above rest."""
    dice = random.Random(seed)
    seen = [at for at in range(phase % every, LENGTH, every) if dice.random() > 0.2]
    spans = {}
    for number in range(6):
        start = dice.randrange(REST, LENGTH - 2 * REST)
        spans[f"pod-{number}"] = (start, min(start + dice.randrange(5, 1200), LENGTH - REST))
    node = working(dice, {**spans, NOBODY: (0, LENGTH - 1)}, {"package": 1.0})
    said = read(node, node.scraped(seen), spec())
    assert 0 < joules(said, Component.CPU) <= sum(node.above) + ROUNDING["abs"]


@settings(max_examples=30, deadline=None)
@given(seeds, intervals, st.booleans())
def test_pods_other_processes_and_idle_sum_to_what_kepler_says_of_a_node(seed: int, every: int, twice: bool) -> None:
    """Pods end at any time, some seen but once as terminated; whatever the interval, their joules are Kepler's last."""
    dice = random.Random(seed)
    spans = [(start, start + dice.randrange(5, 600)) for start in (dice.randrange(60, 800) for _ in range(4))]
    pods = [
        MeteredPod(f"uid-{n}", "research", f"p{n}", T0 + start, T0 + end, 0, spec())
        for n, (start, end) in enumerate(spans)
    ]
    watts = [dice.uniform(1, 8) for _ in pods]
    parts = [
        kepler(pod.uid, power, start, end, range(0, LENGTH, every))
        for pod, power, (start, end) in zip(pods, watts, spans, strict=True)
    ]
    series = [one for part in parts for one in part]
    if twice:  # a second scraper, which asks more often and never sees that pods have terminated
        denser = [
            kepler(pod.uid, power, start, end, range(0, LENGTH, max(every // 3, 1)))
            for pod, power, (start, end) in zip(pods, watts, spans, strict=True)
        ]
        series += [
            Series({**one.labels, "prometheus_replica": "b"}, one.samples)
            for part in denser
            for one in part
            if one.labels["state"] == "running"
        ]
    others, idle = 3.0 * LENGTH, 30.0 * LENGTH
    node = others + idle + sum(last_of(series, pod.uid) for pod in pods)
    said = [meter.readings(pod, series, T0 + LENGTH) for pod in pods]
    cpu = [float(one.joules) for found in said for one in found if one.component is Component.CPU]
    assert len(cpu) == len(pods)
    assert sum(cpu) + others + idle == pytest.approx(node, **ROUNDING)
    assert cpu == pytest.approx([power * (end - start) for power, (start, end) in zip(watts, spans, strict=True)])


def last_of(series: Iterable[Series], uid: str) -> float:
    """The highest value of a pod's package that Kepler printed."""
    return max(
        one.value
        for item in series
        if (item.labels["__name__"], item.labels["pod_id"], item.labels["zone"]) == (KEPLER, uid, "package")
        for one in item.samples
    )
