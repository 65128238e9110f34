"""A real Kubernetes control plane as local processes: etcd, API server, controller manager and scheduler.

It has no node: Pods stay Pending and tests play their part. That is what makes it ready in seconds and lets several
run side by side, each on free ports below its own state directory. Everything else is as in a real cluster: RBAC and
Node authorisation, default admission with ValidatingAdmissionPolicy, service account tokens, garbage collection.

Usage, from a test or a script (the first call on a machine builds the programs, which takes minutes):

    from devcluster.controlplane import ControlPlane

    with ControlPlane(Path("/tmp/cp")) as cluster:
        cluster.kubectl("apply", "--server-side", "-f", "crds/")        # returns stdout, raises with stderr
        cluster.kubectl("get", "pods", "-o", "json", check=False)
        cluster.kubeconfig                                               # path, group system:masters
        cluster.url                                                      # https://127.0.0.1:PORT

`start()` and `stop()` do the same without `with`. The state directory keeps etcd's data: starting again on it
continues where it stopped, and removing it forgets everything. In pytest use the `control_plane` session fixture of
tests/cluster/conftest.py. `cluster.restart_api_server()` interrupts every watch, for tests of just that.
From a shell: `python -m devcluster controlplane`.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from devcluster import servers
from devcluster.errors import DevClusterError
from devcluster.kubeconfig import write_kubeconfig
from devcluster.paths import Toolbox
from devcluster.pki import Authority, Subject, service_account_key
from devcluster.processes import Component, Running, start
from devcluster.programs import CLIENTS, CONTROL_PLANE, build
from devcluster.progress import Progress
from devcluster.servers import KUBERNETES_SERVICE, Credentials, Endpoints

ADMIN = Subject("coppice-dev-admin", groups=("system:masters",))
API_SERVER_NAMES = (
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
    "localhost",
    KUBERNETES_SERVICE,
)


def free_ports(count: int, address: str = "127.0.0.1") -> list[int]:
    """Ports that nobody listens on now; all are held until the last is found, so that they differ."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind((address, 0))
        return [each.getsockname()[1] for each in held]


class ControlPlane:
    """A control plane below `state`; `endpoints` fixes its address and ports (free loopback ports otherwise)."""

    def __init__(
        self,
        state: Path,
        *,
        endpoints: Endpoints | None = None,
        progress: Progress | None = None,
        api_server_arguments: Sequence[str] = (),
    ) -> None:
        self.state = state.absolute()
        self.endpoints = endpoints or Endpoints("127.0.0.1", *free_ports(3))
        self.progress = progress or Progress()
        self.tools: Toolbox = build((*CONTROL_PLANE, *CLIENTS), self.progress)
        self._api_server_arguments = tuple(api_server_arguments)
        self._running: dict[str, Running] = {}

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.state / "admin.kubeconfig"

    @property
    def url(self) -> str:
        """The API server's URL."""
        return self.endpoints.api_url

    @property
    def authority(self) -> Authority:
        """The certificate authority, for those who add a node."""
        return Authority(self.state / "pki")

    @property
    def environment(self) -> dict[str, str]:
        """This process's environment, turned to the cluster: for kubectl, Helm, and the operator under test."""
        path = f"{self.tools.bin}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return {**os.environ, **self.tools.environment(self.kubeconfig), "PATH": path}

    def start(self) -> Self:
        """Start all four and return when the API server is ready and serves the default namespace's account."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with self.progress.step("Start the control plane") as step:
                for component in self._components():
                    step.detail(component.name)
                    self._start(component)
                self._wait_for_default_account()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop what runs, last started first; calling it again is harmless."""
        for running in reversed(list(self._running.values())):
            running.stop()
        self._running.clear()

    def restart_api_server(self) -> None:
        """Stop and start the API server on the same port: every watch breaks, nothing is lost."""
        running = self._running["kube-apiserver"]
        running.stop()
        self._start(running.component)

    def check_running(self) -> None:
        """Raise if one of the programs has ended by itself."""
        for running in self._running.values():
            if running.process.poll() is not None:
                running.wait_ready()

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """Run kubectl as the administrator and return its standard output."""
        return self._client("kubectl", arguments, check=check, stdin=stdin)

    def helm(self, *arguments: str, check: bool = True) -> str:
        """Run Helm as the administrator and return its standard output."""
        return self._client("helm", arguments, check=check, stdin=None)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self, component: Component) -> None:
        running = start(component, self.state / "logs", os.environ)
        self._running[component.name] = running
        running.wait_ready()

    def _components(self) -> list[Component]:
        keys = self._credentials()
        at, authority = self.endpoints, keys.authority.certificate
        write_kubeconfig(self.kubeconfig, at.api_url, authority, keys.admin)
        manager = self.authority.issue("controller-manager", Subject("system:kube-controller-manager"))
        scheduler = self.authority.issue("scheduler", Subject("system:kube-scheduler"))
        return [
            servers.etcd(self.tools, self.state / "etcd", at, keys),
            servers.api_server(self.tools, at, keys, self._api_server_arguments),
            servers.controller_manager(
                self.tools, write_kubeconfig(self.state / "cm.kubeconfig", at.api_url, authority, manager), keys
            ),
            servers.scheduler(
                self.tools, write_kubeconfig(self.state / "scheduler.kubeconfig", at.api_url, authority, scheduler)
            ),
        ]

    def _credentials(self) -> Credentials:
        authority = self.authority
        server = Subject("kube-apiserver", hosts=(*API_SERVER_NAMES, "127.0.0.1", self.endpoints.address))
        return Credentials(
            authority=authority.files,
            service_account_key=service_account_key(authority.directory),
            etcd=authority.issue("etcd", Subject("etcd", hosts=("localhost", "127.0.0.1"))),
            api_server=authority.issue("apiserver", server),
            kubelet_client=authority.issue("kubelet-client", Subject("kube-apiserver", groups=("system:masters",))),
            front_proxy_client=authority.issue("front-proxy-client", Subject("front-proxy-client")),
            admin=authority.issue("admin", ADMIN),
        )

    def _wait_for_default_account(self) -> None:
        """Pods are refused until the controller manager has made this account: wait for it, not a fixed time."""
        running = self._running["kube-controller-manager"]
        command = (self.tools.program("kubectl"), "get", "serviceaccount", "default", "-n", "default")

        def exists() -> bool:
            return subprocess.run(command, env=self.environment, capture_output=True, check=False).returncode == 0

        Running(
            Component(running.component.name, running.component.command, exists), running.process, running.log
        ).wait_ready()

    def _client(self, program: str, arguments: Sequence[str], *, check: bool, stdin: str | None) -> str:
        done = subprocess.run(
            (self.tools.program(program), *arguments),
            env=self.environment, input=stdin, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise DevClusterError(f"{program} {' '.join(arguments)} failed:\n{done.stderr.strip()}")
        return done.stdout
