"""The operator's process with live sources: intensity and meters reach decisions, metrics and running accounts.

The server stands in for the NESO API and for a Prometheus that scrapes Kepler.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from cluster.stage import Stage, probe_job
from devcluster.controlplane import ControlPlane

WATTS = 4.0
GRAMS = 123


class Services(ThreadingHTTPServer):
    """Both services on one port."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        start, end = (datetime.fromisoformat(part) for part in self.path.strip("/").split("/")[1:3])
        halves, step = [], timedelta(minutes=30)
        at = datetime.fromtimestamp(start.timestamp() // 1800 * 1800, UTC)
        while at < end:
            value = {"forecast": GRAMS, "actual": GRAMS if at < datetime.now(UTC) else None, "index": "moderate"}
            halves.append({"from": f"{at:%Y-%m-%dT%H:%MZ}", "to": f"{at + step:%Y-%m-%dT%H:%MZ}", "intensity": value})
            at += step
        self._say({"data": halves})

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        query, end = form["query"][0], float(form["time"][0])
        seconds = int(re.findall(r"\[(\d+)s\]$", query)[0])
        uids = re.findall(r'pod_id=~"([^"]*)"', query)
        values = [[end - ago, str(WATTS * (end - ago))] for ago in range(seconds - 1, -1, -5)]
        labels = {"__name__": "kepler_pod_cpu_joules_total", "zone": "package", "state": "running"}
        pods = [uid for part in uids for uid in part.split("|")]
        result = [{"metric": {**labels, "pod_id": uid}, "values": values} for uid in pods]
        self._say({"status": "success", "data": {"resultType": "matrix", "result": result}})

    def _say(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def stage(control_plane: ControlPlane, kinds: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    services, place = Services(), tmp_path_factory.mktemp("live")
    url = f"http://127.0.0.1:{services.server_port}"
    chain = place / "sources.yaml"
    chain.write_text(json.dumps({"providers": [{"type": "NESO", "url": url}]}))
    arguments = (f"--intensity-sources={chain}", f"--meters-prometheus={url}", "--zone=europe-west2")
    with Stage(control_plane, place, *arguments) as stage:
        yield stage
    services.shutdown()


def value(metrics: str, *parts: str) -> float | None:
    """The sample of the line that contains every part."""
    found = [line for line in metrics.splitlines() if all(part in line for part in parts) and line[0] != "#"]
    return float(found[0].rsplit(" ", 1)[1]) if found else None


def test_a_live_intensity_is_shown_and_a_running_pods_meter_too(stage: Stage) -> None:
    name = "coppice_grid_intensity_grams_per_kilowatt_hour"
    shown = stage.operator.metrics()
    assert value(shown, name, 'zone="europe-west2"', 'method="Direct"', 'source="UK NESO"') == GRAMS
    age = value(shown, "coppice_grid_intensity_age_seconds", 'source="UK NESO"')
    assert age is not None
    assert 0 <= age <= 1800
    life = stage.apply(probe_job("metered", stage.tenant()))
    life.until_state("Running")
    assert life.status["decision"]["reason"]

    def measured() -> float | None:
        energy = ("coppice_trainingjob_energy_joules", 'trainingjob="metered"', 'component="cpu"', 'grade="Measured"')
        return value(stage.operator.metrics(), *energy)

    joules = stage.until(measured, lambda: "the meter's joules of the running pod", 120)
    carbon = value(stage.operator.metrics(), "coppice_trainingjob_operational_carbon_grams", 'trainingjob="metered"')
    assert joules > 0
    assert carbon is not None
    assert carbon > 0
    life.delete()
