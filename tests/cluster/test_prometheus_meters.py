"""Meters against a real Prometheus: live at one second for half a minute, and a day back-filled for the queries.

The exporters are stand-ins: local servers that print dcgm-exporter's and Kepler's metrics with their labels. Their
hardware draws even power from the moment they start, so the truth is watts times seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from builders import make_profile
from cluster.exporter import Exporter
from cluster.prometheus_process import PrometheusProcess
from coppice.adapters.clock import SystemClock
from coppice.adapters.meters.keeper import ClusterMeters
from coppice.adapters.meters.pods import MeteredPod
from coppice.adapters.meters.prometheus import Prometheus
from coppice.adapters.web import Web
from coppice.api.vocabulary import Component, Grade
from exporters import T0, Gpu, dcgm, kepler
from fake_cluster import FakeClock
from kepler_node import Node

GPU_NODE = make_profile("h100").accelerator().build().spec
GPU_WATTS, CPU_WATTS = 300.0, 4.0
TICK = 0.15
"""Seconds by which a scrape's time stamp and its value may differ on a busy machine."""


class LiveExporter(Exporter):
    """One device and one Kepler; `pods` run from a time to another."""

    def __init__(self) -> None:
        self.began = time.time()
        self.pods: list[MeteredPod] = []
        super().__init__(self.page)

    def page(self) -> str:
        now = time.time()
        running = [pod for pod in self.pods if pod.start <= now < pod.until(now + 1)]
        who = [f',namespace="{pod.namespace}",pod="{pod.name}",container="trainer"' for pod in running] or [""]
        device = 'gpu="0",UUID="GPU-1",device="nvidia0",modelName="NVIDIA H100 80GB HBM3",Hostname="node-1"'
        lines = [
            "# TYPE DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION counter",
            "# TYPE DCGM_FI_DEV_POWER_USAGE gauge",
            "# TYPE kepler_pod_cpu_joules_total counter",
        ]
        for labels in who:
            energy = 5e9 + 1000 * GPU_WATTS * (now - self.began)
            lines.append(f"DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{{{device}{labels}}} {energy!r}")
            lines.append(f"DCGM_FI_DEV_POWER_USAGE{{{device}{labels}}} {GPU_WATTS!r}")
        for pod in self.pods:
            if now <= pod.start:
                continue
            state = "running" if pod in running else "terminated"
            joules = CPU_WATTS * (min(now, pod.until(now)) - pod.start)
            for zone, factor in (("package", 1.0), ("core", 0.7), ("psys", 1.4)):
                labels = f'pod_id="{pod.uid}",pod_name="{pod.name}",pod_namespace="{pod.namespace}"'
                labels += f',state="{state}",zone="{zone}",node_name="node-1"'
                lines.append(f"kepler_pod_cpu_joules_total{{{labels}}} {joules * factor!r}")
        return "\n".join(lines) + "\n"


@pytest.fixture
def exporter() -> Iterator[LiveExporter]:
    server = LiveExporter()
    yield server
    server.stop()


async def last_words(url: str, clock: Any, *pods: MeteredPod) -> dict[str, dict[Component, Any]]:
    """What a fresh process reads of pods that have ended."""
    async with Web(30) as web:
        meters = ClusterMeters(Prometheus(web, url), clock)
        await meters.round(pods)
    assert all(meters.readings[pod.uid].complete for pod in pods)
    return {uid: {item.component: item for item in said.metered} for uid, said in meters.readings.items()}


class Later(SystemClock):
    """Two minutes ahead, so that pods that ended just now get their last word."""

    def now(self) -> datetime:
        return datetime.fromtimestamp(super().now().timestamp() + 120, UTC)


def test_live_pods_get_what_they_drew_though_prometheus_is_killed_meanwhile(
    exporter: LiveExporter, tmp_path: Path
) -> None:
    process = PrometheusProcess(tmp_path / "prometheus", exporter.target)
    with process:
        process.until_scraped()
        start = time.time()
        long = MeteredPod("uid-long", "research", "long-1-0", start, start + 14.3, 1, GPU_NODE)
        exporter.pods.append(long)
        time.sleep(5)
        process.kill()
        time.sleep(3)
    with process:
        time.sleep(max(start + 16 - time.time(), 0))
        process.until_scraped()
        begun = time.time()
        short = MeteredPod("uid-short", "research", "short-1-0", begun, begun + 2.2, 1, GPU_NODE)
        exporter.pods.append(short)
        time.sleep(6)
        found = asyncio.run(last_words(process.url, Later(), long, short))
    for pod in (long, short):
        seconds = pod.until(0) - pod.start
        accelerator, cpu = (found[pod.uid][part] for part in (Component.ACCELERATOR, Component.CPU))
        assert (accelerator.grade, cpu.grade) == (Grade.MEASURED, Grade.MEASURED)
        assert float(accelerator.joules) == pytest.approx(GPU_WATTS * seconds, abs=GPU_WATTS * TICK)
        assert float(accelerator.covered_seconds) == pytest.approx(seconds, abs=1e-3)
        assert float(cpu.joules) == pytest.approx(CPU_WATTS * seconds, abs=CPU_WATTS * TICK)


def test_a_back_filled_day_of_a_node_is_split_idle_first_to_exact_totals(tmp_path: Path) -> None:
    """A pod and the system of a node that rests before them, at 30 s, with a Kepler that restarts."""
    day, start, end = 86_400, 615, 85_815
    here = [start <= second < end for second in range(day)]
    used = {"uid-day": [3.0 if one else 0.0 for one in here], "system": [1.0 if one else 0.0 for one in here]}
    node = Node(40, [60.0 if one else 0.0 for one in here], used, {"uid-day": (start, end)})
    process = PrometheusProcess(tmp_path / "prometheus")
    process.back_fill(node.scraped(range(0, day, 30), restart_at=43_215))
    profile = make_profile().host(idleWatts="45", peakWatts="200").build().spec
    pod = MeteredPod("uid-day", "research", "uid-day", T0 + start, T0 + end, 0, profile)
    with process:
        found = asyncio.run(last_words(process.url, FakeClock(datetime.fromtimestamp(T0 + day, UTC)), pod))
    cpu = found["uid-day"][Component.CPU]
    assert (cpu.source, float(cpu.covered_seconds)) == ("kepler, idle first", end - start - 30)
    assert float(cpu.joules) == pytest.approx(0.75 * 60 * (end - start - 30), rel=1e-6)


def test_a_back_filled_day_is_read_to_exact_totals(tmp_path: Path) -> None:
    """Day-long jobs on three devices at 30 s, an exporter twice, a driver reloaded, a job shorter than a scrape."""
    day = 86_400
    seconds = range(0, day, 30)
    whole = MeteredPod("uid-day", "research", "day-1-0", T0 + 600, T0 + day - 600, 1, GPU_NODE)
    brief = MeteredPod("uid-brief", "research", "brief-1-0", T0 + 40_019, T0 + 40_043, 1, GPU_NODE)
    pair = MeteredPod("uid-pair", "research", "pair-1-0", T0 + 7_205, T0 + 50_000, 2, GPU_NODE)
    gpus = [
        Gpu("GPU-1", 300, [("research", "day-1-0", 600, day - 600)]),
        Gpu("GPU-2", 200, [("research", "pair-1-0", 7_205, 50_000)]),
        Gpu("GPU-3", 100, [("research", "pair-1-0", 7_205, 50_000)], reset_at=20_010),
        Gpu("GPU-4", 400, [("research", "brief-1-0", 40_019, 40_043)]),
    ]
    process = PrometheusProcess(tmp_path / "prometheus")
    process.back_fill(
        [
            *dcgm(gpus, seconds),
            *dcgm(gpus[:1], range(11, day, 30), instance="10.0.0.9:9400"),
            *kepler("uid-day", 4.0, 600, day - 600, seconds, restart_at=43_215),
            *kepler("uid-brief", 4.0, 40_019, 40_043, seconds),
        ]
    )
    clock = FakeClock(datetime.fromtimestamp(T0 + day, UTC))
    with process:
        found = asyncio.run(last_words(process.url, clock, whole, brief, pair))
    accelerator = {uid: float(said[Component.ACCELERATOR].joules) for uid, said in found.items()}
    assert accelerator["uid-day"] == pytest.approx(300 * (day - 1200), rel=1e-9)
    assert accelerator["uid-brief"] == pytest.approx(400 * 24, rel=1e-9)
    assert accelerator["uid-pair"] == pytest.approx(300 * (50_000 - 7_205), rel=1e-9)
    cpu = {uid: said.get(Component.CPU) for uid, said in found.items()}
    assert float(cpu["uid-day"].covered_seconds) == day - 1200 - 30
    assert float(cpu["uid-day"].joules) == pytest.approx(4 * (day - 1200 - 30), rel=1e-3)
    assert float(cpu["uid-brief"].joules) == pytest.approx(4 * 24)
    assert cpu["uid-pair"] is None
