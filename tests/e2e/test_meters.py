"""Jobs on a real node are Measured through Kepler, and what pods, other processes and idle time used is the node.

Kepler, its package counter and what stands in for them where they cannot be had are told in `e2e.kepler`. The
operator is told of the cluster's Prometheus for these tests alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
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

    def pods_rise(self, uid: str) -> float:
        """A pod's joules by the samples themselves: from 0, and every rise."""
        found = self.kepler.samples("kepler_pod_cpu_joules_total", pod_id=uid)
        values = [value for _, value in sorted(pair for _, pairs in found for pair in pairs)]
        return values[0] + sum(max(after - before, 0.0) for before, after in pairwise(values))

    def nodes_rise(self, name: str) -> float:
        """The node's joules in the time for which there are samples; its own counter wraps."""
        ((_, pairs),) = self.kepler.samples(name)
        wrap = WRAPS_AT / 1e6 if name == "kepler_node_cpu_joules_total" else float("inf")
        return sum(
            after - before if after >= before else after + wrap - before for (_, before), (_, after) in pairwise(pairs)
        )


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


def test_a_pods_processor_is_measured_with_what_kepler_said_of_it(metered: Metered) -> None:
    for name in JOBS:
        pod = metered.pod(name)
        (said,) = [item for item in pod.metered if item.component is Component.CPU]
        assert (said.grade, said.source) == (Grade.MEASURED, "kepler")
        assert float(said.joules) == pytest.approx(metered.pods_rise(pod.uid), rel=0.05)
        assert float(said.joules) > WORK_SECONDS * 0.1 * IDLE_WATTS
        assert metered.joules(name, Component.CPU)[Grade.MEASURED] == pytest.approx(float(said.joules), abs=0.01)


def test_pods_other_processes_and_idle_time_are_the_node(metered: Metered) -> None:
    node = metered.nodes_rise("kepler_node_cpu_joules_total")
    active = metered.nodes_rise("kepler_node_cpu_active_joules_total")
    idle = metered.nodes_rise("kepler_node_cpu_idle_joules_total")
    assert active + idle == pytest.approx(node, rel=0.01)
    assert 0 < node <= metered.kepler.powercap.joules
    every = metered.kepler.samples("kepler_pod_cpu_joules_total")
    pods = {labels["pod_id"] for labels, _ in every}
    ours = sum(metered.joules(name, Component.CPU)[Grade.MEASURED] for name in JOBS)
    assert {metered.pod(name).uid for name in JOBS} <= pods
    others = sum(metered.pods_rise(uid) for uid in pods - {metered.pod(name).uid for name in JOBS})
    assert ours + others <= active * 1.02
    assert ours + (active - sum(metered.pods_rise(metered.pod(name).uid) for name in JOBS)) + idle == pytest.approx(
        node, rel=0.02
    )


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
