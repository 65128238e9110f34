"""The operator as a process, and what the kernel says of it."""

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Self

from devcluster.controlplane import ControlPlane, free_ports

TICKS = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 120.0


class OperatorProcess:
    """One operator against a control plane; its memory in MiB and its CPU time in seconds come from /proc."""

    def __init__(self, cluster: ControlPlane, log: Path) -> None:
        metrics, health = free_ports(2)
        self._health = f"http://127.0.0.1:{health}/readyz"
        command = [sys.executable, "-m", "coppice.app", "--namespace", "default", "--no-leader-election"]
        command += ["--kubeconfig", str(cluster.kubeconfig), "--trainer-image", "localhost/coppice-trainer:bench"]
        command += ["--metrics-port", str(metrics), "--health-port", str(health)]
        self._started = time.monotonic()
        with log.open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, env=cluster.environment)

    def wait_ready(self) -> float:
        """Seconds from its start until it answered that it leads."""
        while time.monotonic() - self._started < READY_SECONDS:
            try:
                with urllib.request.urlopen(self._health, timeout=2):  # noqa: S310 - our own loopback address
                    return time.monotonic() - self._started
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        raise TimeoutError(f"the operator was not ready after {READY_SECONDS:.0f} s")

    @property
    def memory_mebibytes(self) -> float:
        """Resident memory now."""
        return self._status("VmRSS") / 1024

    @property
    def peak_memory_mebibytes(self) -> float:
        """Most resident memory so far."""
        return self._status("VmHWM") / 1024

    @property
    def cpu_seconds(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def kill(self) -> None:
        """SIGKILL, as a node's loss would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def _status(self, field: str) -> int:
        lines = Path(f"/proc/{self._process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
