"""The configuration files of the node's programs, as data.

Each departs from its program's defaults only for a stated reason: the node lives in namespaces inside a machine that
is not its own, perhaps one with cgroup v1, without a registry and without CAP_SYS_RESOURCE.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

PAUSE_IMAGE = "coppice.dev/pause:1"
CLUSTER_DOMAIN = "cluster.local"
STORAGE_CLASS = "standard"

Document = dict[str, Any]


def containerd(root: Path, socket: Path, cni_programs: Path, cni_configuration: Path) -> str:
    """containerd's TOML; oom_score_adj is left alone where this process may not lower it."""
    return f"""\
version = 2
root = "{root}"
state = "/run/coppice-dev/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_programs}"
    conf_dir = "{cni_configuration}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def pod_network(pods: str) -> Document:
    """A CNI network of routed veth pairs: unlike a bridge it needs no br_netfilter for Services to work."""
    addresses = {"type": "host-local", "subnet": pods, "dataDir": "/run/cni", "routes": [{"dst": "0.0.0.0/0"}]}
    return {
        "cniVersion": "0.4.0",
        "name": "coppice-dev",
        "plugins": [
            {"type": "ptp", "ipMasq": True, "ipam": addresses},
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet(state: Path, pki: Path, node_address: str, socket: Path, cgroup: str) -> Document:
    """The kubelet's configuration."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": node_address,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{socket}",
        "clusterDNS": [node_address],
        "clusterDomain": CLUSTER_DOMAIN,
        "resolvConf": str(state / "resolv.conf"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": cgroup,
        "failCgroupV1": False,
        "failSwapOn": False,
        # Everything it writes stays in the state directory.
        "podLogsDir": str(state / "pod-logs"),
        "volumePluginDir": str(state / "volume-plugins"),
        # Imported images cannot be pulled again, so a full disk must not remove them.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
    }


def kube_proxy(kubeconfig: Path, pods: str, node: str) -> Document:
    """kube-proxy's configuration; connection tracking limits are the host's and stay as they are."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig)},
        "clusterCIDR": pods,
        "hostnameOverride": node,
        "mode": "iptables",
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "conntrack": {"maxPerCore": 0, "min": 0},
    }


def corefile(node_address: str, kubeconfig: Path, upstream: str) -> str:
    """CoreDNS: the cluster's names from the API server, all others from `upstream`."""
    return f"""\
.:53 {{
    bind {node_address}
    errors
    ready {node_address}:8181
    kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        ttl 5
    }}
    forward . {upstream}
    cache 5
}}
"""


def storage_class() -> Document:
    """The default storage class, made on demand by dev/controlplane/provisioner."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "coppice.dev/directory",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    }


def role_binding(name: str, role: str, user: str) -> Document:
    """A ClusterRoleBinding of one role to one user (a certificate's common name)."""
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": group, "kind": "User", "name": user}],
    }


def reader_role(name: str) -> Document:
    """What CoreDNS and Prometheus need to find Services and Pods."""
    verbs = ["get", "list", "watch"]
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [
            {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": verbs},
            {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": verbs},
        ],
    }
