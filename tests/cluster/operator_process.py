"""The operator as a process of its own against a control plane: started, watched, terminated or killed.

It runs with the chart's own roles where a test asks for `installed`, so that a right that the chart forgets fails a
test here and not at a user's.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from devcluster.controlplane import ControlPlane, free_ports
from devcluster.paths import REPOSITORY_ROOT

PATIENCE_SECONDS = 60.0
RELEASE = "coppice"


def kubeconfig_of(control_plane: ControlPlane, namespace: str, account: str, path: Path) -> Path:
    """A kubeconfig with a service account's token."""
    token = control_plane.kubectl("create", "token", account, "-n", namespace, "--duration=1h").strip()
    authority = str(control_plane.authority.files.certificate)
    cluster = {"name": "c", "cluster": {"server": control_plane.url, "certificate-authority": authority}}
    user = {"name": "u", "user": {"token": token}}
    context = {"name": "x", "context": {"cluster": "c", "user": "u", "namespace": namespace}}
    content = {"apiVersion": "v1", "kind": "Config", "clusters": [cluster], "users": [user], "contexts": [context]}
    path.write_text(yaml.safe_dump({**content, "current-context": "x"}))
    return path


def rights(control_plane: ControlPlane, namespace: str) -> str:
    """The chart's service account and roles, as manifests."""
    files = ("templates/serviceaccount.yaml", "templates/rbac/operator.yaml")
    shown = [argument for file in files for argument in ("--show-only", file)]
    chart = str(REPOSITORY_ROOT / "charts" / "coppice")
    return control_plane.helm("template", RELEASE, chart, "--namespace", namespace, *shown)


def installed(control_plane: ControlPlane, namespace: str, path: Path) -> Path:
    """Install the chart's service account and roles; a kubeconfig of that account."""
    manifests = rights(control_plane, namespace)
    control_plane.kubectl("apply", "--server-side", "--force-conflicts", "-n", namespace, "-f", "-", stdin=manifests)
    return kubeconfig_of(control_plane, namespace, RELEASE, path)


def uninstalled(control_plane: ControlPlane, namespace: str) -> None:
    """Take them away again: Helm installs no chart over roles that are not its own."""
    manifests = rights(control_plane, namespace)
    control_plane.kubectl("delete", "--ignore-not-found", "--wait=false", "-n", namespace, "-f", "-", stdin=manifests)


def until(holds: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Ask until the answer is true; fails with what was waited for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer = holds()
        if answer:
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s in vain: {what}")


class OperatorProcess:
    """One operator; `with` starts it, and ends it by SIGTERM if it still runs."""

    def __init__(self, kubeconfig: Path, namespace: str, logs: Path, *arguments: str, **environment: str) -> None:
        self.health_port, self.metrics_port = free_ports(2)
        self.log = logs / f"operator-{self.health_port}.log"
        self._environment: Mapping[str, str] = {**os.environ, **environment}
        self._command = [
            sys.executable, "-m", "coppice.app",
            f"--namespace={namespace}", f"--identity=operator-{self.health_port}", f"--kubeconfig={kubeconfig}",
            "--trainer-image=localhost/coppice-trainer:test",
            f"--health-port={self.health_port}", f"--metrics-port={self.metrics_port}", *arguments,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it; returns at once."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=dict(self._environment))
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.terminate()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "start it first"
        return self._process

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def terminate(self, seconds: float = 20.0) -> int:
        """SIGTERM; its exit status. It is killed, and the test fails, if it does not end in time."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM did not end it in {seconds} s:\n{self.output()}") from None

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    def pause(self) -> None:
        """SIGSTOP: it hangs, and does not know."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def ask(self, path: str, port: int | None = None) -> tuple[int, str]:
        """Status and text of one of its endpoints; status 0 if nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port or self.health_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def metrics(self) -> str:
        """What /metrics shows."""
        return self.ask("/metrics", self.metrics_port)[1]

    def leads(self) -> bool:
        """Whether it is past the gate and leads; fails at once if it has ended."""
        assert self.running, f"the operator ended with {self.process.returncode}:\n{self.output()}"
        return self.ask("/readyz") == (200, "leading\n")

    def wait_until_leading(self) -> Self:
        """Return when it leads."""
        until(self.leads, "the operator to lead")
        return self

    def output(self) -> str:
        """Everything it has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def entries(self) -> list[dict[str, Any]]:
        """Its log, entry by entry; a line that is no JSON fails the test."""
        return [json.loads(line) for line in self.output().splitlines()]
