"""The command lines of etcd, kube-apiserver, kube-controller-manager and kube-scheduler.

Pure: paths and addresses in, components out. The choices follow kubeadm where a difference could be seen from outside
(authorisers, admission, service account tokens), and leave out what only production needs (replicas, fsync).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devcluster.paths import Toolbox
from devcluster.pki import KeyPair
from devcluster.processes import Component, https_probe

SERVICE_RANGE = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"  # the first address of the range is the `kubernetes` Service's
ISSUER = "https://kubernetes.default.svc.cluster.local"


@dataclass(frozen=True)
class Credentials:
    """Every certificate and key that the control plane uses."""

    authority: KeyPair
    service_account_key: Path
    etcd: KeyPair
    api_server: KeyPair
    kubelet_client: KeyPair
    front_proxy_client: KeyPair
    admin: KeyPair


@dataclass(frozen=True)
class Endpoints:
    """Where the control plane listens: an address and three free ports."""

    address: str
    api_port: int
    etcd_client_port: int
    etcd_peer_port: int

    @property
    def api_url(self) -> str:
        """The API server's URL."""
        return f"https://{self.address}:{self.api_port}"

    @property
    def etcd_client_url(self) -> str:
        """etcd's client URL, loopback always: only the API server talks to it."""
        return f"https://127.0.0.1:{self.etcd_client_port}"

    @property
    def etcd_peer_url(self) -> str:
        """etcd's peer URL; a single member needs one all the same."""
        return f"https://127.0.0.1:{self.etcd_peer_port}"


def etcd(tools: Toolbox, data: Path, at: Endpoints, keys: Credentials) -> Component:
    """A single member, without fsync: a development cluster may lose its last writes with the machine's power."""
    files = (
        f"--cert-file={keys.etcd.certificate}",
        f"--key-file={keys.etcd.key}",
        f"--trusted-ca-file={keys.authority.certificate}",
        "--client-cert-auth",
        f"--peer-cert-file={keys.etcd.certificate}",
        f"--peer-key-file={keys.etcd.key}",
        f"--peer-trusted-ca-file={keys.authority.certificate}",
        "--peer-client-cert-auth",
    )
    command = (
        tools.program("etcd"),
        "--name=default",
        f"--data-dir={data}",
        f"--listen-client-urls={at.etcd_client_url}",
        f"--advertise-client-urls={at.etcd_client_url}",
        f"--listen-peer-urls={at.etcd_peer_url}",
        f"--initial-advertise-peer-urls={at.etcd_peer_url}",
        f"--initial-cluster=default={at.etcd_peer_url}",
        "--unsafe-no-fsync",
        "--auto-compaction-retention=5m",
        "--log-level=warn",
        *files,
    )
    return Component(
        "etcd", command, https_probe(f"{at.etcd_client_url}/health", keys.authority.certificate, keys.etcd)
    )


def api_server(tools: Toolbox, at: Endpoints, keys: Credentials, extra: tuple[str, ...] = ()) -> Component:
    """RBAC and Node authorisation, default admission (ValidatingAdmissionPolicy is part of it) and NodeRestriction."""
    command = (
        tools.program("kube-apiserver"),
        f"--bind-address={at.address}",
        f"--advertise-address={at.address}",
        f"--secure-port={at.api_port}",
        f"--etcd-servers={at.etcd_client_url}",
        f"--etcd-cafile={keys.authority.certificate}",
        f"--etcd-certfile={keys.etcd.certificate}",
        f"--etcd-keyfile={keys.etcd.key}",
        f"--client-ca-file={keys.authority.certificate}",
        f"--tls-cert-file={keys.api_server.certificate}",
        f"--tls-private-key-file={keys.api_server.key}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={keys.service_account_key}",
        f"--service-account-signing-key-file={keys.service_account_key}",
        f"--kubelet-certificate-authority={keys.authority.certificate}",
        f"--kubelet-client-certificate={keys.kubelet_client.certificate}",
        f"--kubelet-client-key={keys.kubelet_client.key}",
        "--kubelet-preferred-address-types=InternalIP",
        f"--requestheader-client-ca-file={keys.authority.certificate}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        f"--proxy-client-cert-file={keys.front_proxy_client.certificate}",
        f"--proxy-client-key-file={keys.front_proxy_client.key}",
        "--enable-aggregator-routing=true",
        *extra,
    )
    ready = https_probe(f"{at.api_url}/readyz", keys.authority.certificate, keys.admin)
    return Component("kube-apiserver", command, ready)


def controller_manager(tools: Toolbox, kubeconfig: Path, keys: Credentials) -> Component:
    """All default controllers, each with its own service account, as in a real cluster."""
    command = (
        tools.program("kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={keys.service_account_key}",
        f"--root-ca-file={keys.authority.certificate}",
        f"--cluster-signing-cert-file={keys.authority.certificate}",
        f"--cluster-signing-key-file={keys.authority.key}",
        "--leader-elect=false",
        "--secure-port=0",
    )
    return Component("kube-controller-manager", command)


def scheduler(tools: Toolbox, kubeconfig: Path) -> Component:
    """The default scheduler; it serves no port, so that several control planes fit on one machine."""
    command = (
        tools.program("kube-scheduler"),
        f"--kubeconfig={kubeconfig}",
        "--leader-elect=false",
        "--secure-port=0",
    )
    return Component("kube-scheduler", command)
