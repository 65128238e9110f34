"""The files of one local cluster: every path below its state directory, by name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from devcluster.errors import DevClusterError
from devcluster.local.addresses import Addresses

# Inside the node these are fresh and empty, so that programs with fixed paths leave nothing on the host.
PRIVATE_DIRECTORIES = ("/run", "/var/lib", "/var/log")


@dataclass(frozen=True)
class Layout:
    """A cluster's name, state directory and network index; it is what the node's first process is told."""

    name: str
    state: Path
    index: int

    @property
    def addresses(self) -> Addresses:
        """The cluster's addresses."""
        return Addresses(self.index)

    @property
    def node(self) -> str:
        """The node's name."""
        return f"coppice-dev-{self.name}"

    @property
    def cgroup(self) -> str:
        """The cgroup below which all Pods run, as the kubelet writes it."""
        return f"/coppice-dev-{self.name}"

    @property
    def run(self) -> Path:
        """Sockets; visible from the host, because `images` talks to containerd from there."""
        return self.state / "run"

    @property
    def containerd_socket(self) -> Path:
        """containerd's socket."""
        return self.run / "containerd.sock"

    @property
    def containerd_root(self) -> Path:
        """containerd's images and snapshots."""
        return self.state / "containerd"

    @property
    def control_plane(self) -> Path:
        """The control plane's own state: etcd's data, certificates, logs."""
        return self.state / "control-plane"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.control_plane / "admin.kubeconfig"

    @property
    def ready(self) -> Path:
        """Exists while the cluster serves."""
        return self.state / "ready"

    @property
    def log(self) -> Path:
        """What the keeper and the node's first process say."""
        return self.state / "machine.log"

    def save(self) -> None:
        """Remember the index, so that `down` and a later `up` find the same network."""
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.state / "layout.json").write_text(json.dumps({"name": self.name, "index": self.index}))

    @classmethod
    def load(cls, state: Path) -> Layout | None:
        """The layout saved in `state`, if there is one."""
        file = state / "layout.json"
        if not file.exists():
            return None
        saved = json.loads(file.read_text())
        return cls(saved["name"], state, saved["index"])

    @classmethod
    def require(cls, state: Path) -> Layout:
        """The layout saved in `state`; it is an error when there is none."""
        layout = cls.load(state)
        if layout is None:
            raise DevClusterError(f"{state} holds no layout.json; start clusters with `python -m devcluster up`.")
        return layout


def refuse_private(path: Path) -> None:
    """Paths below a directory that the node hides cannot be used by it."""
    for hidden in PRIVATE_DIRECTORIES:
        if path.is_relative_to(hidden):
            raise DevClusterError(
                f"{path} lies below {hidden}, which the node replaces. "
                "Set COPPICE_DEV_STATE and COPPICE_DEV_CACHE to directories elsewhere."
            )
