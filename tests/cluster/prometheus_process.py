"""A real Prometheus of its own: started on a free port over a directory, killed, started again, back-filled."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Self

from coppice.adapters.meters.prometheus import Series
from devcluster.controlplane import free_ports
from devcluster.programs import build
from devcluster.progress import Progress


class PrometheusProcess:
    """`with` starts it and waits until it answers; `scrapes` are addresses asked each second, or `every` so many."""

    def __init__(
        self, directory: Path, *scrapes: str, every: Mapping[str, int] | None = None, retention: str = "10y"
    ) -> None:
        (self._port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self._port}"
        self._tools = build(("prometheus", "promtool"), Progress())
        self._directory = directory
        self._retention = retention
        self._process: subprocess.Popen[bytes] | None = None
        own = {"namespace": "gpu-operator", "pod": "dcgm-exporter-x7k2p", "container": "exporter"}
        jobs = [
            {
                "job_name": f"exporter-{number}",
                "scrape_interval": f"{(every or {}).get(target, 1)}s",
                "static_configs": [{"targets": [target], "labels": own}],
            }
            for number, target in enumerate(scrapes)
        ]
        content = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "prometheus.json").write_text(json.dumps(content))

    def back_fill(self, series: Iterable[Series]) -> None:
        """Write samples of the past as blocks; before it is started."""
        every = list(series)
        text = self._directory / "past.om"
        with text.open("w") as out:
            for name in sorted({item.labels["__name__"] for item in every}):
                out.write(f"# TYPE {name} gauge\n")
                for item in every:
                    if item.labels["__name__"] != name:
                        continue
                    labels = ",".join(f'{key}="{value}"' for key, value in item.labels.items() if key != "__name__")
                    out.writelines(f"{name}{{{labels}}} {one.value!r} {one.at:.3f}\n" for one in item.samples)
            out.write("# EOF\n")
        command = [self._tools.program("promtool"), "tsdb", "create-blocks-from", "openmetrics", "--quiet"]
        subprocess.run([*command, str(text), str(self._directory / "data")], check=True)

    def __enter__(self) -> Self:
        command = [
            self._tools.program("prometheus"),
            f"--config.file={self._directory / 'prometheus.json'}",
            f"--storage.tsdb.path={self._directory / 'data'}",
            f"--storage.tsdb.retention.time={self._retention}",
            f"--web.listen-address=127.0.0.1:{self._port}",
        ]
        with (self._directory / "prometheus.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=1):
                    return self
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.1)
        raise AssertionError((self._directory / "prometheus.log").read_text()[-2000:])

    def until_scraped(self, seconds: float = 30.0) -> None:
        """Wait until its targets were scraped since it started; the first scrape comes seconds after the start."""
        end = time.monotonic() + seconds
        query = f"{self.url}/api/v1/query?query=up%20==%201"
        while time.monotonic() < end:
            with urllib.request.urlopen(query, timeout=5) as answer:
                found = json.loads(answer.read())["data"]["result"]
            if any(float(item["value"][0]) - self._sampled(item) < 2 for item in found):
                return
            time.sleep(0.2)
        raise AssertionError("nothing was scraped")

    def _sampled(self, item: dict[str, Any]) -> float:
        """When the series was sampled last."""
        query = urllib.parse.urlencode({"query": f'timestamp(up{{job="{item["metric"]["job"]}"}})'})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=5) as answer:
            (found,) = json.loads(answer.read())["data"]["result"]
        return float(found["value"][1])

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL: what it has not flushed it reads from its write-ahead log."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
