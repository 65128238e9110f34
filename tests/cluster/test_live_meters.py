"""Some minutes of a metered cluster in which everything happens that can happen to those who count.

A real Prometheus scrapes exporters at one second while jobs run on the real API server: on a device of their own, two
on one device, on a MIG instance, one shorter than a scrape. Meanwhile an exporter restarts with its counters at 0,
another is gone for good, Prometheus is killed, the operator is killed, another operator takes the lead, and a report is
deleted. What the ledger shows is looked at all the time. The story is played once; each test looks at a part of it.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import pytest

from builders import make_profile
from cluster.api import Body
from cluster.exporter import Exporter
from cluster.live_fleet import CPU_WATTS, Board, Fleet
from cluster.operator_process import OperatorProcess, until
from cluster.prometheus_process import PrometheusProcess
from cluster.stage import Life, Stage, probe_job
from cluster.states import GOOD
from coppice.accounting.metered import Metered
from coppice.accounting.record import PodRecord, decode_account_record
from coppice.api.trainingreport import TrainingReport
from coppice.api.vocabulary import Component, Grade
from devcluster.controlplane import ControlPlane, free_ports

TICK = 0.5
"""Seconds by which a scrape's time stamp and its value may differ on a busy machine, both ends together."""
LOOK_SECONDS = 0.5
KEPLER_SECONDS = 10
BOARDS = {
    "whole": Board("GPU-1", 300.0, power=True),
    "half-a": Board("GPU-2", 200.0),
    "half-b": Board("GPU-2", 200.0),
    "slice": Board("GPU-3", 400.0, profile="3g.40gb"),
    "dark": Board("GPU-4", 100.0),
}
BRIEF = "brief"
RELOADED = ("whole", "half-a", "slice")
DARK_AFTER, ENDS_AFTER = 45.0, 85.0


@dataclass
class Watch:
    """What a ledger shows, looked at again and again: in its object, and in every operator's /metrics."""

    stage: Stage
    namespace: str
    operators: list[OperatorProcess]
    falls: list[str] = field(default_factory=list)
    looks: Counter[str] = field(default_factory=Counter)
    shown: dict[str, dict[str, float]] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(30)

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self._note("the ledger", in_the_ledger(self.stage.ledger(self.namespace)))
            for number, operator in enumerate(tuple(self.operators), start=1):
                self._note(f"operator {number}", counters(operator.metrics(), self.namespace))

    def _note(self, where: str, seen: Mapping[str, float]) -> None:
        if not seen:
            return
        before = self.shown.setdefault(where, {})
        self.falls += [
            f"{where}: {key} {before[key]} -> {now}" for key, now in seen.items() if now < before.get(key, 0)
        ]
        self.falls += [f"{where}: {key} is gone" for key in before.keys() - seen.keys()]
        before.update(seen)
        self.looks[where] += 1


def counters(metrics: str, namespace: str) -> dict[str, float]:
    """Every counter of a namespace in /metrics."""
    mark = f'namespace="{namespace}"'
    lines = [line for line in metrics.splitlines() if line.startswith("coppice_namespace_") and mark in line]
    found = dict(line.rsplit(" ", 1) for line in lines)
    return {key: float(value) for key, value in found.items() if "_total{" in key}


def in_the_ledger(ledger: Body) -> dict[str, float]:
    """A ledger's sums by what they are of."""
    totals = ledger["totals"]
    found = {f"{row['component']}/{row['grade']}": float(row["joules"]) for row in totals.get("energy", ())}
    found |= {f"finished/{row['reason']}": float(row["jobs"]) for row in totals.get("finished", ())}
    return found | {key: float(totals[key]) for key in ("operationalGrams", "embodiedGrams") if key in totals}


@dataclass
class Story:
    """What came out: every job's report as it was written, what the ledger showed, and when the dark device went."""

    stage: Stage
    namespace: str
    watch: Watch
    reports: dict[str, TrainingReport]
    dark_from: float

    def pod(self, job: str) -> PodRecord:
        """The job's only pod, as its account was computed from it."""
        (attempt,) = decode_account_record(self.reports[job].spec.account_record).attempts
        (pod,) = attempt.pods
        return pod

    def seconds(self, job: str) -> float:
        return (self.pod(job).end - self.pod(job).start).total_seconds()

    def metered(self, job: str, component: Component = Component.ACCELERATOR) -> Metered:
        return next(item for item in self.pod(job).metered if item.component is component)

    def part(self, job: str, component: Component, grade: Grade) -> float:
        totals = self.reports[job].spec.totals
        assert totals is not None
        return sum(float(part.joules) for part in totals.parts if (part.component, part.grade) == (component, grade))

    def coverage(self, job: str) -> float:
        totals = self.reports[job].spec.totals
        assert totals is not None
        return float(totals.coverage)


@pytest.fixture(scope="module")
def story(control_plane: ControlPlane, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The story, played; it takes about four minutes, two of them the last words that accounts wait for."""
    place = tmp_path_factory.mktemp("live-meters")
    dcgm_port, dark_port, kepler_port = free_ports(3)
    targets = [f"127.0.0.1:{port}" for port in (dcgm_port, dark_port, kepler_port)]
    prometheus = PrometheusProcess(place / "prometheus", *targets, every={targets[2]: KEPLER_SECONDS})
    with prometheus, Stage(control_plane, place, f"--meters-prometheus={prometheus.url}") as stage:
        stage.add(make_profile("h100").accelerator().body())
        stage.api.patch("Node", None, stage.node.name, {"status": {"capacity": {"nvidia.com/gpu": "8"}}}, "status")
        stage.api.patch("Node", None, stage.node.name, {"status": {"allocatable": {"nvidia.com/gpu": "8"}}}, "status")
        namespace = stage.tenant()
        fleet = Fleet(stage.api, namespace, BOARDS)
        pages = (fleet.dcgm(RELOADED), fleet.dcgm(("dark",)), fleet.kepler)
        exporters = [
            Exporter(page, port) for page, port in zip(pages, (dcgm_port, dark_port, kepler_port), strict=True)
        ]
        prometheus.until_scraped()
        time.sleep(30 + KEPLER_SECONDS + 2)  # the others too, and the node at rest for long enough
        with fleet, Watch(stage, namespace, [stage.operator]) as watch:
            try:
                yield played(stage, namespace, watch, fleet, exporters, prometheus)
            finally:
                for exporter in exporters:
                    exporter.stop()


def played(
    stage: Stage, namespace: str, watch: Watch, fleet: Fleet, exporters: list[Exporter], prometheus: PrometheusProcess
) -> Story:
    lives = {name: stage.apply(on_a_device(name, namespace)) for name in BOARDS}
    for life in lives.values():
        life.until_state("Running")
    began = time.monotonic()
    lives[BRIEF] = stage.apply(probe_job(BRIEF, namespace)).until_state("Running")
    time.sleep(3)
    stage.node.script(namespace, BRIEF, GOOD)
    exporters[0] = restarted(exporters[0], fleet)
    time.sleep(5)
    prometheus.kill()
    time.sleep(4)
    prometheus.__enter__()
    stage.operator.kill()
    stage.node.script(namespace, "half-b", GOOD)
    stage.restart()
    pause_until(began + DARK_AFTER)
    dark_from = time.time()
    exporters[1].stop()
    lead_changes(stage, watch)
    pause_until(began + ENDS_AFTER)
    for name in BOARDS:
        stage.node.script(namespace, name, GOOD)
    reports = {BRIEF: reported(stage, lives[BRIEF])}
    stage.api.delete("TrainingReport", namespace, str(reports[BRIEF].metadata.name))
    reports |= {name: reported(stage, life) for name, life in lives.items() if name != BRIEF}
    stage.until_books_closed(namespace, len(lives))
    time.sleep(2 * LOOK_SECONDS)
    return Story(stage, namespace, watch, reports, dark_from)


def on_a_device(name: str, namespace: str) -> Any:
    return probe_job(name, namespace).resources(profiles=["h100"], acceleratorsPerPod=1, pods=1)


def restarted(exporter: Exporter, fleet: Fleet) -> Exporter:
    """Its port answers nobody for a while, and then its counters begin at 0."""
    port, page = exporter.server_port, exporter.text
    exporter.stop()
    time.sleep(2)
    fleet.reload_driver(RELOADED)
    return Exporter(page, port)


def lead_changes(stage: Stage, watch: Watch) -> None:
    """A second operator stands by, the first is killed, the second leads."""
    second = stage.another_operator().start()
    watch.operators.append(second)
    until(lambda: "leads" in second.ask("/readyz")[1], "the second to stand by")
    stage.operator.kill()
    stage.operator = second
    second.wait_until_leading()


def pause_until(moment: float) -> None:
    time.sleep(max(moment - time.monotonic(), 0))


def reported(stage: Stage, life: Life) -> TrainingReport:
    """Its report, once its account is closed."""
    stage.until(life.reports, lambda: f"a report of {life}", 240)
    (report,) = life.reports()
    return TrainingReport.model_validate(report)


def test_a_device_of_ones_own_is_measured_though_everybody_who_looked_was_killed(story: Story) -> None:
    said, seconds = story.metered("whole"), story.seconds("whole")
    assert (said.grade, said.source) == (Grade.MEASURED, "dcgm-counter+dcgm-power")
    assert float(said.joules) == pytest.approx(300 * seconds, abs=300 * TICK)
    assert float(said.covered_seconds) == pytest.approx(seconds, abs=1e-3)
    assert story.coverage("whole") == pytest.approx(1, abs=1e-3)


def test_two_jobs_on_one_device_divide_it_by_their_time_together_and_sum_to_it(story: Story) -> None:
    """One ends while Prometheus is down, and is settled long before the other; the driver is loaded anew before."""
    long, short = story.metered("half-a"), story.metered("half-b")
    assert {(said.grade, said.source) for said in (long, short)} == {(Grade.ESTIMATED, "dcgm-counter, divided")}
    lost = story.seconds("half-a") - float(long.covered_seconds)
    assert 0 < lost < 10, "without a power gauge the interval in which the counter began again is a gap"
    device = 200 * float(long.covered_seconds)
    assert float(short.joules) == pytest.approx(200 / 2 * float(short.covered_seconds), abs=200 * TICK)
    assert float(long.joules) + float(short.joules) == pytest.approx(device, abs=200 * TICK)
    assert (story.coverage("half-a"), story.coverage("half-b")) == (0, 0)


def test_a_mig_instance_gets_its_slices(story: Story) -> None:
    said = story.metered("slice")
    assert said.grade is Grade.ESTIMATED
    assert float(said.joules) == pytest.approx(400 * 3 / 7 * float(said.covered_seconds), abs=400 * TICK)


def test_a_job_shorter_than_a_scrape_is_measured(story: Story) -> None:
    said, seconds = story.metered(BRIEF, Component.CPU), story.seconds(BRIEF)
    assert 0 < seconds < KEPLER_SECONDS
    assert float(said.joules) == pytest.approx(CPU_WATTS * seconds, abs=CPU_WATTS * TICK)
    assert story.coverage(BRIEF) == 1


def test_coverage_falls_where_scraping_stopped_and_that_time_is_estimated(story: Story) -> None:
    said, pod = story.metered("dark"), story.pod("dark")
    seen = story.dark_from - pod.start.timestamp()
    assert float(said.covered_seconds) == pytest.approx(seen, abs=2.5)
    assert float(said.joules) == pytest.approx(100 * float(said.covered_seconds), abs=100 * TICK)
    assert story.coverage("dark") == pytest.approx(float(said.covered_seconds) / story.seconds("dark"), abs=1e-3)
    assert story.part("dark", Component.ACCELERATOR, Grade.ESTIMATED) > 0
    assert any("No meter covered" in gap for gap in story.reports["dark"].spec.gaps)


def test_every_pods_processor_is_measured_from_outside_above_what_its_node_draws_at_rest(story: Story) -> None:
    for job in (*BOARDS, BRIEF):
        said, seconds = story.metered(job, Component.CPU), story.seconds(job)
        assert said.source == "kepler, idle first", job
        assert float(said.joules) == pytest.approx(CPU_WATTS * seconds, abs=CPU_WATTS * TICK), job


def test_no_counter_of_the_ledger_ever_fell(story: Story) -> None:
    assert story.watch.falls == []
    assert min(story.watch.looks[where] for where in ("the ledger", "operator 1", "operator 2")) > 10


def test_the_ledger_rose_by_exactly_the_jobs_that_were_settled(story: Story) -> None:
    settled = story.stage.ledger(story.namespace)
    assert story.stage.settled(story.namespace) == {"ObjectiveMet": len(BOARDS) + 1}
    parts: Counter[str] = Counter()
    for report in story.reports.values():
        assert report.spec.totals is not None
        for part in report.spec.totals.parts:
            parts[f"{part.component}/{part.grade}"] += part.joules  # type: ignore[assignment]
    inside = {key: value for key, value in in_the_ledger(settled).items() if "/" in key and "finished" not in key}
    assert inside == pytest.approx({key: float(value) for key, value in parts.items()}, abs=0.01)
    shown = story.watch.shown["operator 2"]
    joules = sum(value for key, value in shown.items() if key.startswith("coppice_namespace_energy_joules_total"))
    assert joules == pytest.approx(sum(inside.values()), abs=0.01)
    assert len(story.stage.api.list("TrainingReport", story.namespace)) == len(BOARDS), "one report was deleted"
