"""Jobs on a real node are Measured through Kepler, and pods, other processes and power at rest are the node.

Kepler, its package counter and what stands in for them where they cannot be had are told in `e2e.kepler`. The
operator is told of the cluster's Prometheus for these tests alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import pytest

from builders import JobBuilder
from coppice.accounting.record import PodRecord, decode_account_record
from coppice.api.vocabulary import Component, Grade
from demo.installation import CHART, RELEASE, SYSTEM_NAMESPACE, install_chart
from devcluster.cluster import Cluster
from devcluster.images.targets import provide_image
from devcluster.progress import Progress
from e2e import kepler, operator_pod
from e2e.ground import NAMESPACE, OWN_IMAGE, job, lay, make_inputs
from e2e.kepler import IDLE_WATTS, WRAPS_AT, Kepler
from e2e.life import Life

WORK_SECONDS = 30
MARGIN_SECONDS, LAST_WORD_SECONDS, LEAST_SECONDS = 120, 90, 30
"""What is read before a pod's start and after its end, and for how long a power must be seen."""
HOST_IDLE_WATTS = 36.9
"""Of the chart's profile cpu-generic."""
JOBS = ("works-a", "works-b")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="Kepler reads the node's /proc, for which it must be root")


@dataclass(frozen=True)
class Metered:
    """What was metered, and by whom."""

    kepler: Kepler
    lives: Mapping[str, Life]

    def pod(self, name: str) -> PodRecord:
        """The job's only pod, as its account was computed from it."""
        (attempt,) = decode_account_record(self.lives[name].report().spec.account_record).attempts
        (pod,) = attempt.pods
        return pod

    def joules(self, name: str, component: Component) -> dict[Grade, float]:
        totals = self.lives[name].report().spec.totals
        assert totals is not None
        return {part.grade: float(part.joules) for part in totals.parts if part.component is component}

    def counter(self, name: str, **labels: str) -> dict[float, float]:
        """A counter's values by time, whatever state its pod was in."""
        found = self.kepler.samples(name, **labels)
        return {at: value for _, pairs in found for at, value in sorted(pairs)}

    def pods_rise(self, uid: str) -> float:
        """A pod's joules by the samples themselves: from 0, and every rise."""
        every = self.counter("kepler_pod_cpu_joules_total", pod_id=uid)
        values = [every[at] for at in sorted(every)]
        return values[0] + sum(max(after - before, 0.0) for before, after in pairwise(values))

    def nodes_rise(self, name: str) -> float:
        """The node's joules in the time for which there are samples; its own counter wraps."""
        every = self.counter(name)
        values = [every[at] for at in sorted(every)]
        wrap = WRAPS_AT / 1e6 if name == "kepler_node_cpu_joules_total" else float("inf")
        return sum(after - before if after >= before else after + wrap - before for before, after in pairwise(values))

    def node(self) -> list[Interval]:
        """What Kepler printed of the node between scrapes."""
        active, idle = (self.counter(f"kepler_node_cpu_{part}_joules_total") for part in ("active", "idle"))
        return [
            Interval(before, after, active[after] - active[before], idle[after] - idle[before])
            for before, after in pairwise(sorted(active.keys() & idle.keys()))
        ]

    def above(self, uids: Iterable[str], watts: float) -> float:
        """Pods' share, by what Kepler called active, of what the node drew above that power."""
        joules = 0.0
        for uid in uids:
            every = self.counter("kepler_pod_cpu_joules_total", pod_id=uid)
            for one in self.node():
                begun, then = (latest(every, at) for at in (one.start, one.end))
                joules += max(then - begun, 0.0) / one.active * one.above(watts) if one.active else 0.0
        return joules

    def watts_at_rest(self, name: str) -> float:
        """The lowest over half a minute from before the pod's start to after its end, or the host's idle watts."""
        pod = self.pod(name)
        begin, end = pod.start.timestamp() - MARGIN_SECONDS, pod.end.timestamp() + LAST_WORD_SECONDS
        seen = [one for one in self.node() if begin <= one.start and one.end <= end]
        parts = (seen[first:last] for first in range(len(seen)) for last in range(first + 1, len(seen) + 1))
        long = [part for part in parts if part[-1].end - part[0].start >= LEAST_SECONDS]
        lowest = min(sum(one.joules for one in part) / (part[-1].end - part[0].start) for part in long)
        return min(lowest, HOST_IDLE_WATTS)


@dataclass(frozen=True)
class Interval:
    """Joules of the node between two scrapes."""

    start: float
    end: float
    active: float
    idle: float

    @property
    def joules(self) -> float:
        return self.active + self.idle

    def above(self, watts: float) -> float:
        return self.joules - watts * (self.end - self.start)


def latest(every: Mapping[float, float], at: float) -> float:
    """A counter's value at a time; 0 before its first."""
    known = [when for when in every if when <= at]
    return every[max(known)] if known else 0.0


@pytest.fixture(scope="module")
def metered(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metered]:
    """Two jobs side by side, settled, on a node that Kepler watched."""
    if cluster.provider != "local" or cluster.prometheus_url is None:
        pytest.skip("Kepler must run on the node, which only the local provider has on this machine")
    progress = Progress()
    inputs = make_inputs(tmp_path_factory.mktemp("claims"))
    reuse = os.environ.get("COPPICE_E2E_INSTALLED") == "reuse"
    trainer = cluster.images["trainer"] if reuse else install_chart(cluster, progress)
    remove(cluster)
    with kepler.running(cluster, tmp_path_factory.mktemp("kepler")) as running:
        tell_the_operator(cluster, cluster.prometheus_url)
        ground = lay(cluster, inputs, trainer, provide_image(OWN_IMAGE, cluster, progress))
        running.until_scraped()
        try:
            lives = {name: Life.begin(cluster, working(name, ground.own_image)) for name in JOBS}
            for life in lives.values():
                life.until_accounted()
            yield Metered(running, lives)
        finally:
            remove(cluster)
            tell_the_operator(cluster, "")


def remove(cluster: Cluster) -> None:
    cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=300s")
    cluster.kubectl("delete", f"trainingpolicy/{NAMESPACE}", "--ignore-not-found")


def tell_the_operator(cluster: Cluster, url: str) -> None:
    where = ("--namespace", SYSTEM_NAMESPACE, "--reuse-values", "--wait=legacy", "--timeout", "5m")
    cluster.helm("upgrade", RELEASE, str(CHART), *where, "--set-string", f"meters.prometheus.url={url}")
    operator_pod.until_ready(cluster)


def working(name: str, image: str) -> JobBuilder:
    """A user's own pod that keeps half a core busy for a while."""
    amounts = {"cpu": "450m", "memory": "128Mi"}
    variables = [{"name": "ACT", "value": "work"}, {"name": "SECONDS", "value": str(WORK_SECONDS)}]
    resources = {"requests": amounts, "limits": amounts}
    container = {"name": "trainer", "image": image, "env": variables, "resources": resources}
    return job(name).target("0.95").mode("Never").set("spec.trainer.template", {"spec": {"containers": [container]}})


def test_a_pods_processor_is_measured_by_its_share_of_what_lies_above_rest(metered: Metered) -> None:
    for name in JOBS:
        pod, rest = metered.pod(name), metered.watts_at_rest(name)
        (said,) = [item for item in pod.metered if item.component is Component.CPU]
        assert (said.grade, said.source) == (Grade.MEASURED, "kepler, idle first")
        ends = 0.05 * metered.pods_rise(pod.uid)  # the pod's last moments are shown a scrape later, with another power
        assert float(said.joules) == pytest.approx(metered.above([pod.uid], rest), rel=0.05, abs=ends)
        assert metered.joules(name, Component.CPU)[Grade.MEASURED] == pytest.approx(float(said.joules), abs=0.01)


def test_a_pod_gets_no_more_than_its_share_of_what_the_package_truly_draws_above_idle(metered: Metered) -> None:
    """And no less but what the node drew at its quietest, where that was above idle."""
    for name in JOBS:
        pod, rest = metered.pod(name), metered.watts_at_rest(name)
        truth = metered.above([pod.uid], IDLE_WATTS)
        (said,) = [float(item.joules) for item in pod.metered if item.component is Component.CPU]
        assert IDLE_WATTS * 0.98 <= rest <= HOST_IDLE_WATTS
        assert 0 < said <= truth * 1.05
        assert said >= truth * 0.95 - (rest - IDLE_WATTS) * (pod.end - pod.start).total_seconds()
        assert metered.pods_rise(pod.uid) > 0


def test_pods_other_processes_and_power_at_rest_are_the_node(metered: Metered) -> None:
    node = metered.nodes_rise("kepler_node_cpu_joules_total")
    active = metered.nodes_rise("kepler_node_cpu_active_joules_total")
    idle = metered.nodes_rise("kepler_node_cpu_idle_joules_total")
    assert active + idle == pytest.approx(node, rel=0.01)
    assert 0 < node <= metered.kepler.powercap.joules
    intervals, rest = metered.node(), min(metered.watts_at_rest(name) for name in JOBS)
    above_rest = sum(one.above(rest) for one in intervals)
    every = {labels["pod_id"] for labels, _ in metered.kepler.samples("kepler_pod_cpu_joules_total")}
    ours = {metered.pod(name).uid for name in JOBS}
    assert ours <= every
    measured = sum(metered.joules(name, Component.CPU)[Grade.MEASURED] for name in JOBS)
    others = metered.above(every - ours, rest)
    assert measured + others <= above_rest * 1.02
    processes = above_rest - metered.above(every, rest)
    seconds = intervals[-1].end - intervals[0].start
    assert measured + others + processes + rest * seconds == pytest.approx(node, rel=0.02)


def test_processes_sum_to_what_the_node_draws_while_it_works(metered: Metered) -> None:
    active = dict(metered.kepler.samples("kepler_node_cpu_active_watts")[0][1])
    processes: dict[float, float] = {}
    for _, pairs in metered.kepler.samples("kepler_process_cpu_watts", state="running"):
        for at, watts in pairs:
            processes[at] = processes.get(at, 0.0) + watts
    ratios = [processes[at] / active[at] for at in processes.keys() & active.keys() if active[at] > 1]
    assert median(ratios) == pytest.approx(1, abs=0.1)


def test_idle_hosts_are_borne_by_what_pods_reserved_and_never_more_than_there_is(metered: Metered) -> None:
    node = metered.nodes_rise("kepler_node_cpu_joules_total")
    borne = sum(sum(metered.joules(name, Component.HOST_IDLE).values()) for name in JOBS)
    measured = sum(metered.joules(name, Component.CPU)[Grade.MEASURED] for name in JOBS)
    assert borne > 0
    assert borne + measured <= node
    for name in JOBS:
        totals = metered.lives[name].report().spec.totals
        assert totals is not None
        assert float(totals.coverage) > 0.9
