"""Start a cluster program, wait until it serves, stop it, and say what its log says when it does not.

A program dies with the thread that started it (`setpriv --pdeathsig`, Linux): a test run that is killed leaves no
etcd behind.
"""

from __future__ import annotations

import shutil
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devcluster.errors import DevClusterError
from devcluster.pki import KeyPair

READY_SECONDS = 120.0
POLL_SECONDS = 0.1
STOP_SECONDS = 15.0

Probe = Callable[[], bool]


@dataclass(frozen=True)
class Component:
    """A program of the cluster as data: what to run, and how to tell that it serves (`None`: as soon as it runs)."""

    name: str
    command: tuple[str, ...]
    ready: Probe | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


def https_probe(url: str, authority: Path, client: KeyPair) -> Probe:
    """True once `url` answers 200 to the holder of `client`."""

    def ready() -> bool:
        context = ssl.create_default_context(cafile=str(authority))
        # Our certificates name no key of their authority, which Python 3.13 wants by default.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        context.load_cert_chain(client.certificate, client.key)
        try:
            with urllib.request.urlopen(url, context=context, timeout=5) as answer:  # noqa: S310 - built by us
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ready


def http_probe(url: str) -> Probe:
    """True once `url` answers 200."""

    def ready() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - built by us
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ready


def dies_with_its_starter(command: tuple[str, ...]) -> tuple[str, ...]:
    """`command` wrapped so that the kernel kills it when the thread that started it ends."""
    if sys.platform == "linux" and shutil.which("setpriv"):
        return ("setpriv", "--pdeathsig", "KILL", "--", *command)
    return command


@dataclass
class Running:
    """A started component."""

    component: Component
    process: subprocess.Popen[bytes]
    log: Path

    def wait_ready(self, seconds: float = READY_SECONDS) -> None:
        """Return when the component serves; raise with the end of its log if it ends or takes too long."""
        deadline = time.monotonic() + seconds
        while True:
            if self.process.poll() is not None:
                raise DevClusterError(f"{self.component.name} ended with {self.process.returncode}. {self._log_end()}")
            if self.component.ready is None or self.component.ready():
                return
            if time.monotonic() > deadline:
                raise DevClusterError(f"{self.component.name} did not serve within {seconds:.0f} s. {self._log_end()}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Ask it to end, and kill it if it does not."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()

    def _log_end(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-15:]
        return f"The end of {self.log}:\n" + "\n".join(lines)


def start(component: Component, log_directory: Path, base_environment: Mapping[str, str]) -> Running:
    """Start a component in its own session, its output appended to `<log_directory>/<name>.log`."""
    log_directory.mkdir(parents=True, exist_ok=True)
    log = log_directory / f"{component.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            dies_with_its_starter(component.command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**base_environment, **component.environment},
            start_new_session=True,
        )
    return Running(component, process, log)
