"""A Job that nobody decided about, metered by a real Prometheus that scrapes a stand-in for Kepler."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from cluster.api import Body
from cluster.exporter import Exporter
from cluster.prometheus_process import PrometheusProcess
from cluster.stage import Stage
from cluster.workloads import Workloads, reserved_seconds
from devcluster.controlplane import ControlPlane

WATTS, REST_WATTS, CALLED_ACTIVE = 4.0, 1.0, 0.5
"""A pod's above what its node draws at rest, and the part of its power that Kepler calls active."""

RUNS_SECONDS = 20.0


class Kepler(Exporter):
    """Every pod that it is shown draws the same power from then on until it is told to end."""

    def __init__(self) -> None:
        self._runs: dict[str, tuple[str, float, float | None]] = {}
        self._began = time.time()
        super().__init__(self.page)

    def start(self, pod: Body) -> None:
        metadata = pod["metadata"]
        labels = f'pod_id="{metadata["uid"]}",pod_name="{metadata["name"]}",pod_namespace="{metadata["namespace"]}"'
        self._runs[metadata["uid"]] = labels, time.time(), None

    def end(self, pod: Body) -> None:
        labels, began, _ = self._runs[pod["metadata"]["uid"]]
        self._runs[pod["metadata"]["uid"]] = labels, began, time.time()

    def joules(self, pod: Body) -> float:
        _, began, ended = self._runs[pod["metadata"]["uid"]]
        return WATTS * ((ended or time.time()) - began)

    def page(self) -> str:
        where, runs, now = 'zone="package",node_name="node-1"', list(self._runs.values()), time.time()
        lines, drawn = ["# TYPE kepler_pod_cpu_joules_total counter"], 0.0
        for labels, began, ended in runs:
            joules, state = WATTS * ((ended or now) - began), "terminated" if ended else "running"
            lines.append(f'kepler_pod_cpu_joules_total{{{labels},state="{state}",{where}}} {CALLED_ACTIVE * joules!r}')
            drawn += joules
        active, whole = CALLED_ACTIVE * drawn, REST_WATTS * (now - self._began) + drawn
        for name, value in (("active", active), ("idle", whole - active)):
            lines += [f"# TYPE kepler_node_cpu_{name}_joules_total counter"]
            lines += [f"kepler_node_cpu_{name}_joules_total{{{where}}} {value!r}"]
        return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def metered(
    control_plane: ControlPlane, kinds: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Stage, Kepler]]:
    kepler, directory = Kepler(), tmp_path_factory.mktemp("metered")
    with (
        PrometheusProcess(directory / "prometheus", kepler.target) as prometheus,
        Stage(control_plane, directory, f"--meters-prometheus={prometheus.url}") as stage,
    ):
        yield stage, kepler
    kepler.stop()


def test_the_energy_of_a_labelled_job_is_measured_by_the_cluster_s_meters(metered: tuple[Stage, Kepler]) -> None:
    stage, kepler = metered
    tenant = stage.tenant()
    workloads = Workloads(stage, tenant)
    workloads.make("Job", "nightly")
    [pod] = workloads.bound("nightly", 1)
    kepler.start(pod)
    time.sleep(RUNS_SECONDS)
    workloads.end(pod)
    kepler.end(pod)
    stage.until(workloads.reports, lambda: f"the report, after the meters' last word; {stage.ledger(tenant)}", 240)
    [spec] = workloads.reports().values()
    measured = sum(Decimal(part["joules"]) for part in spec["totals"]["parts"] if part["grade"] == "Measured")
    [pod] = workloads.pods("nightly")
    assert float(measured) == pytest.approx(kepler.joules(pod), abs=3 * WATTS), "times of pods are whole seconds"
    assert float(spec["totals"]["coverage"]) > 1 - 4 / reserved_seconds(pod)
    energy = stage.ledger(tenant)["totals"]["energy"]
    assert sum(Decimal(row["joules"]) for row in energy if row["grade"] == "Measured") == measured
