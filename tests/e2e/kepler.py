"""Kepler on the node of the local cluster, over a package counter that this machine may not have.

Virtual machines have no RAPL, so a directory stands in for the kernel's powercap files: its counter rises by an idle
power and by a power for what the processors really do, read from /proc/stat; it wraps as the real one does. Above it
runs Kepler itself where COPPICE_E2E_KEPLER names its program (0.10 or newer): its own reader of RAPL, of /proc and of
the API server. Its module is not served everywhere that this repository builds, so without it a stand-in prints the
same metrics: a node's joules are active by the share of time in which processors worked, and those are divided by the
CPU time of processes, which is Kepler's rule (internal/monitor/node.go and pod.go there).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from devcluster.cluster import Cluster
from devcluster.controlplane import free_ports
from devcluster.local.cluster import processes_of
from devcluster.paths import state_directory
from e2e.ground import create
from e2e.life import until

IDLE_WATTS, BUSY_WATTS = 10.0, 40.0
WRAPS_AT = 2**31
INTERVAL_SECONDS, STALE_SECONDS = 3.0, 0.5
"""How often joules are divided, and how old they may be when they are asked for; the second is Kepler's default."""

SERVICE = "kepler"
POD = re.compile(r"pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12})")

Series = list[tuple[dict[str, str], list[tuple[float, float]]]]


class Powercap(threading.Thread):
    """A package counter in a directory; `joules` is the truth, which never wraps."""

    def __init__(self, sysfs: Path) -> None:
        super().__init__(daemon=True)
        self._zone = sysfs / "class" / "powercap" / "intel-rapl:0"
        self._zone.mkdir(parents=True)
        (self._zone / "name").write_text("package-0\n")
        (self._zone / "max_energy_range_uj").write_text(f"{WRAPS_AT}\n")
        self._over = threading.Event()
        self.joules = 0.0
        self._write()

    def run(self) -> None:
        last, (busy, whole) = time.monotonic(), processor_ticks()
        while not self._over.wait(0.2):
            now, (busy_now, whole_now) = time.monotonic(), processor_ticks()
            used = (busy_now - busy) / max(whole_now - whole, 1)
            self.joules += (IDLE_WATTS + BUSY_WATTS * used) * (now - last)
            last, busy, whole = now, busy_now, whole_now
            self._write()

    def stop(self) -> None:
        self._over.set()
        self.join()

    @property
    def microjoules(self) -> int:
        return int(self.joules * 1e6) % WRAPS_AT

    def _write(self) -> None:
        unfinished = self._zone / ".energy_uj"
        unfinished.write_text(f"{self.microjoules}\n")
        unfinished.rename(self._zone / "energy_uj")


@dataclass(frozen=True)
class Kepler:
    """A Kepler that runs, and the counter under it."""

    cluster: Cluster
    powercap: Powercap
    address: str

    def samples(self, name: str, **labels: str) -> Series:
        """Labels and raw samples (time, value) of what Prometheus has of one of its metrics, by package."""
        chosen = {**labels, "zone": "package", "instance": self.address}
        selector = ",".join(f'{key}="{value}"' for key, value in chosen.items())
        query = urllib.parse.urlencode({"query": f"{name}{{{selector}}}[30m]"})
        with urllib.request.urlopen(f"{self.cluster.prometheus_url}/api/v1/query?{query}", timeout=30) as answer:
            found = json.load(answer)["data"]["result"]
        return [(one["metric"], [(float(at), float(value)) for at, value in one["values"]]) for one in found]

    def until_scraped(self) -> None:
        """Wait until Prometheus has samples of the node."""
        until(lambda: self.samples("kepler_node_cpu_active_joules_total"), "Prometheus to scrape Kepler", 120)


@contextmanager
def running(cluster: Cluster, directory: Path) -> Iterator[Kepler]:
    """Kepler, or what stands in for it, where the cluster's Prometheus scrapes it."""
    powercap = Powercap(directory / "sys")
    powercap.start()
    node = json.loads(cluster.kubectl("get", "nodes", "-o", "json"))["items"][0]
    name = node["metadata"]["name"]
    inside = next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")
    program = os.environ.get("COPPICE_E2E_KEPLER")
    host, (port,) = inside if program else host_address(inside), free_ports(1)
    stop = (
        kepler(program, cluster, name, directory, f"{host}:{port}") if program else stand_in(powercap, name, host, port)
    )
    create(cluster, *service(host, port))
    try:
        yield Kepler(cluster, powercap, f"{host}:{port}")
    finally:
        cluster.kubectl("delete", "service,endpoints", SERVICE, "-n", "default", "--ignore-not-found")
        stop()
        powercap.stop()


def host_address(node: str) -> str:
    """This machine's address on the network that it shares with the node."""
    shown = subprocess.run(("ip", "-json", "route", "get", node), capture_output=True, text=True, check=True).stdout
    return str(json.loads(shown)[0]["prefsrc"])


def service(host: str, port: int) -> tuple[dict[str, Any], ...]:
    """A Service without pods, whose endpoint is on this machine, that asks to be scraped."""
    metadata = {"name": SERVICE, "namespace": "default"}
    asks = {**metadata, "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": str(port)}}
    ports = [{"name": "http", "port": port}]
    subsets = [{"addresses": [{"ip": host}], "ports": ports}]
    return (
        {"apiVersion": "v1", "kind": "Service", "metadata": asks, "spec": {"ports": ports}},
        {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata, "subsets": subsets},
    )


def kepler(program: str, cluster: Cluster, node: str, directory: Path, address: str) -> Any:
    """The real one; returns what ends it."""
    configuration = {
        "log": {"level": "info", "format": "json"},
        "monitor": {"interval": f"{INTERVAL_SECONDS:.0f}s", "minTerminatedEnergyThreshold": 0, "maxTerminated": -1},
        "host": {"sysfs": str(directory / "sys"), "procfs": "/proc"},
        "exporter": {"prometheus": {"metricsLevel": ["node", "process", "pod"]}},
        "web": {"listenAddresses": [address]},
        "kube": {"enabled": True, "config": str(cluster.kubeconfig), "nodeName": node},
    }
    configuration["kube"]["podInformer"] = {"mode": "apiserver"}  # type: ignore[index]
    file, log = directory / "kepler.yaml", (directory / "kepler.log").open("wb")
    file.write_text(json.dumps(configuration))
    command = ("nsenter", f"--target={first_process(cluster)}", "--pid", "--mount", "--net", "--", program)
    whole = (*command, f"--config.file={file}")
    process = subprocess.Popen(whole, stdout=log, stderr=log, start_new_session=True)

    def stop() -> None:
        os.killpg(process.pid, signal.SIGTERM)  # nsenter's child too
        process.wait(20)
        log.close()

    return stop


def first_process(cluster: Cluster) -> int:
    """The node's process 1 as this machine sees it; beside it Kepler sees the node's processes alone."""
    for process in processes_of(state_directory(cluster.name)):
        numbers = re.findall(r"^NSpid:(.*)$", Path(f"/proc/{process}/status").read_text(), flags=re.MULTILINE)
        if numbers and numbers[0].split()[1:] == ["1"]:
            return process
    raise AssertionError(f"the cluster {cluster.name} has no node on this machine")


def stand_in(powercap: Powercap, node: str, host: str, port: int) -> Any:
    """The stand-in's thread and server; returns what ends them."""
    shares = Shares(powercap, node)
    server = ThreadingHTTPServer((host, port), _page(shares))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    over = threading.Event()

    def work() -> None:
        while not over.wait(INTERVAL_SECONDS):
            shares.refresh()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()

    def stop() -> None:
        over.set()
        thread.join()
        server.shutdown()
        server.server_close()

    return stop


class Shares:
    """A node's joules, active and idle, and each pod's; a pod that has gone keeps its last value."""

    def __init__(self, powercap: Powercap, node: str) -> None:
        self._powercap, self._node = powercap, node
        self._last = powercap.microjoules, processor_ticks(), process_ticks()
        self._at = time.monotonic()
        self.active = self.idle = 0.0
        self.pods: dict[str, float] = {}
        self._running: set[str] = set()
        self._watts = {"node": 0.0, "processes": 0.0}
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Divide what was drawn since the last time."""
        with self._lock:
            before, (busy, whole), ticks = self._last
            begun, self._at = self._at, time.monotonic()
            self._last = self._powercap.microjoules, processor_ticks(), process_ticks()
            now, (busy_now, whole_now), ticks_now = self._last
            joules = (now - before) % WRAPS_AT / 1e6
            active = joules * min(max(busy_now - busy, 0) / max(whole_now - whole, 1), 1.0)
            self.active, self.idle = self.active + active, self.idle + (joules - active)
            used = {key: max(count - ticks.get(key, 0), 0) for key, count in ticks_now.items()}
            total = sum(used.values())
            self._running = {pod for pod, _ in ticks_now if pod}
            for (pod, _), count in used.items():
                if pod and total:
                    self.pods[pod] = self.pods.get(pod, 0.0) + active * count / total
            self._watts = dict.fromkeys(("node", "processes"), active / max(self._at - begun, 0.001))

    def page(self) -> str:
        """Kepler's exposition, of fresh values."""
        if time.monotonic() - self._at > STALE_SECONDS:
            self.refresh()
        with self._lock:
            node = f'zone="package",path="intel-rapl:0",node_name="{self._node}"'
            lines = [
                f"kepler_node_cpu_joules_total{{{node}}} {self._last[0] / 1e6}",
                f"kepler_node_cpu_active_joules_total{{{node}}} {self.active}",
                f"kepler_node_cpu_idle_joules_total{{{node}}} {self.idle}",
                f"kepler_node_cpu_active_watts{{{node}}} {self._watts['node']}",
                f'kepler_process_cpu_watts{{pid="0",state="running",{node}}} {self._watts["processes"]}',
            ]
            for uid, joules in self.pods.items():
                state = "running" if uid in self._running else "terminated"
                labels = f'pod_id="{uid}",pod_name="",pod_namespace="",state="{state}"'
                lines.append(f"kepler_pod_cpu_joules_total{{{labels},{node}}} {joules}")
            return "\n".join([*lines, ""])


def _page(shares: Shares) -> type[BaseHTTPRequestHandler]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = shares.page().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Page


def processor_ticks() -> tuple[int, int]:
    """Ticks in which processors worked, and all, since the machine started."""
    fields = [int(value) for value in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return sum(fields) - fields[3] - fields[4], sum(fields)


def process_ticks() -> dict[tuple[str, int], int]:
    """Ticks of every process of this machine, by the uid of its pod (else empty) and its number."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                groups, stat = (process / "cgroup").read_text(), (process / "stat").read_text()
            except OSError:  # it ended meanwhile
                continue
            pod = POD.search(groups)
            user, system = stat.rsplit(")", 1)[1].split()[11:13]
            found[(pod[1].replace("_", "-") if pod else "", int(process.name))] = int(user) + int(system)
    return found
