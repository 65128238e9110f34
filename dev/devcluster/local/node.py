"""The node's programs as components: container runtime, kubelet, service proxy, DNS, volumes, Prometheus."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from devcluster import prometheus
from devcluster.kubeconfig import write_kubeconfig
from devcluster.local import configuration
from devcluster.local.layout import Layout
from devcluster.packages import find, require
from devcluster.paths import Toolbox
from devcluster.pki import Authority, Subject
from devcluster.processes import Component, http_probe

UPSTREAM_DNS = "10.0.2.3"  # slirp4netns answers DNS here (slirp4netns(1)) and asks the host's resolver
DNS_USER = "coppice-dev:dns"
PROMETHEUS_USER = "coppice-dev:prometheus"
PROVISIONER_USER = "coppice-dev:provisioner"
READER_ROLE = "coppice-dev:reader"


@dataclass(frozen=True)
class Node:
    """Writes the node's configuration files below the state directory and says how to start its programs."""

    layout: Layout
    tools: Toolbox
    authority: Authority
    server: str

    def manifests(self) -> list[configuration.Document]:
        """Objects that the node's programs need in the API server."""
        return [
            configuration.storage_class(),
            configuration.reader_role(READER_ROLE),
            configuration.role_binding(DNS_USER, READER_ROLE, DNS_USER),
            configuration.role_binding(PROMETHEUS_USER, READER_ROLE, PROMETHEUS_USER),
            configuration.role_binding(PROVISIONER_USER, "system:persistent-volume-provisioner", PROVISIONER_USER),
            configuration.role_binding("coppice-dev:proxy", "system:node-proxier", "system:kube-proxy"),
        ]

    def container_runtime(self) -> Component:
        """containerd with its own root, state and socket."""
        network, socket = self.layout.state / "cni", self.layout.containerd_socket
        network.mkdir(exist_ok=True)
        # containerd parses this file as JSON only.
        self._write("cni/10-pods.conflist", json.dumps(configuration.pod_network(self.layout.addresses.pods)))
        plugins = Path(require("/usr/lib/cni/ptp")).parent
        file = self._write(
            "containerd.toml",
            configuration.containerd(self.layout.containerd_root, socket, plugins, network),
        )
        socket.unlink(missing_ok=True)
        program = Path(require("containerd"))
        # Its shims lie beside it, which is no directory of the path when the package was only unpacked.
        path = os.pathsep.join((str(program.parent), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
        return Component("containerd", (str(program), "--config", str(file)), socket.is_socket, {"PATH": path})

    def kubelet(self) -> Component:
        """The kubelet, serving logs and exec with a certificate of the cluster's authority."""
        layout = self.layout
        self.authority.issue("kubelet", Subject(layout.node, hosts=(layout.node, layout.addresses.node)))
        self._write("resolv.conf", f"nameserver {UPSTREAM_DNS}\n")
        file = self._write_yaml(
            "kubelet.yaml",
            configuration.kubelet(
                layout.state, self.authority.directory, layout.addresses.node, layout.containerd_socket, layout.cgroup
            ),
        )
        user = Subject(f"system:node:{layout.node}", groups=("system:nodes",))
        command = (
            self.tools.program("kubelet"),
            f"--config={file}",
            f"--kubeconfig={self._kubeconfig('node', user)}",
            f"--root-dir={layout.state / 'kubelet'}",
            f"--cert-dir={layout.state / 'kubelet-pki'}",
            f"--hostname-override={layout.node}",
            f"--node-ip={layout.addresses.node}",
            "--node-labels=topology.kubernetes.io/zone=local",
        )
        return Component("kubelet", command, http_probe("http://127.0.0.1:10248/healthz"))

    def service_proxy(self) -> Component:
        """kube-proxy: ClusterIP Services, the API server's own among them."""
        kubeconfig = self._kubeconfig("proxy", Subject("system:kube-proxy"))
        document = configuration.kube_proxy(kubeconfig, self.layout.addresses.pods, self.layout.node)
        file = self._write_yaml("kube-proxy.yaml", document)
        command = (self.tools.program("kube-proxy"), f"--config={file}")
        return Component("kube-proxy", command, http_probe("http://127.0.0.1:10256/livez"))

    def dns(self) -> Component:
        """CoreDNS on the node's address: the headless Services of multi-pod jobs need names."""
        kubeconfig = self._kubeconfig("dns", Subject(DNS_USER))
        address = self.layout.addresses.node
        file = self._write("Corefile", configuration.corefile(address, kubeconfig, UPSTREAM_DNS))
        command = (self.tools.program("coredns"), "-conf", str(file))
        return Component("coredns", command, http_probe(f"http://{address}:8181/ready"))

    def provisioner(self) -> Component:
        """Directories as PersistentVolumes."""
        volumes = self.layout.state / "volumes"
        volumes.mkdir(exist_ok=True)
        command = (
            self.tools.program("provisioner"),
            f"--kubeconfig={self._kubeconfig('provisioner', Subject(PROVISIONER_USER))}",
            f"--root={volumes}",
            f"--node={self.layout.node}",
        )
        return Component("provisioner", command)

    def prometheus(self) -> Component:
        """Prometheus on the node's address, from where Pods can be reached."""
        kubeconfig = self._kubeconfig("prometheus", Subject(PROMETHEUS_USER))
        file = self._write_yaml("prometheus.yml", prometheus.configuration(kubeconfig))
        address, data = self.layout.addresses.node, self.layout.state / "prometheus"
        command = prometheus.command(self.tools.program("prometheus"), file, data, address)
        return Component("prometheus", command, http_probe(f"http://{address}:{prometheus.PORT}/-/ready"))

    def after_api_server(self) -> list[Callable[[], Component]]:
        """What starts once the API server serves, in order."""
        return [self.kubelet, self.service_proxy, self.dns, self.provisioner, self.prometheus]

    def _kubeconfig(self, name: str, user: Subject) -> Path:
        client = self.authority.issue(f"client-{name}", user)
        path = self.layout.state / f"{name}.kubeconfig"
        return write_kubeconfig(path, self.server, self.authority.files.certificate, client)

    def _write_yaml(self, name: str, document: configuration.Document) -> Path:
        return self._write(name, yaml.safe_dump(document, sort_keys=False))

    def _write(self, name: str, text: str) -> Path:
        path = self.layout.state / name
        path.write_text(text)
        return path


def ctr(layout: Layout) -> tuple[str, ...]:
    """The beginning of every `ctr` command for this cluster's images."""
    return (find("ctr") or "ctr", "--address", str(layout.containerd_socket), "--namespace", "k8s.io")
