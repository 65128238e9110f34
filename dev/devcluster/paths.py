"""Where the cluster keeps its files: one cache that survives, one state directory per cluster that `down` removes.

Nothing else on the machine is written to, so that removing these two directories removes every trace.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from devcluster.errors import DevClusterError

REPOSITORY_ROOT = Path(__file__).resolve().parents[2]

# A unix socket's path may have 107 bytes (sun_path in unix(7)); the longest one below a state directory is
# containerd's per-pod shim socket, which containerd hashes, then "run/containerd.sock.ttrpc".
LONGEST_STATE_PATH = 80


def cache_directory() -> Path:
    """Built programs and image layers: `COPPICE_DEV_CACHE`, else below the XDG cache."""
    chosen = os.environ.get("COPPICE_DEV_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "coppice-dev"


def state_directory(name: str) -> Path:
    """All state of the cluster `name`: `COPPICE_DEV_STATE/<name>`, else below the XDG state directory."""
    chosen = os.environ.get("COPPICE_DEV_STATE")
    base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "coppice-dev"
    directory = (Path(chosen).absolute() if chosen else base) / name
    if len(os.fsencode(directory)) > LONGEST_STATE_PATH:
        raise DevClusterError(
            f"The state directory {directory} is too long for unix sockets below it. "
            f"Set COPPICE_DEV_STATE to a path shorter than {LONGEST_STATE_PATH - len(name) - 1} bytes."
        )
    return directory


@contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Let one process at a time into the block: a second one waits, and then finds the first one's work done."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Toolbox:
    """The directory of built programs, and the environment that keeps their own caches inside ours."""

    bin: Path

    def program(self, name: str) -> str:
        """The absolute path of a built program."""
        return str(self.bin / name)

    def environment(self, kubeconfig: Path) -> dict[str, str]:
        """Variables for kubectl and Helm: this cluster, and no file written to the home directory."""
        cache = cache_directory()
        return {
            "KUBECONFIG": str(kubeconfig),
            "KUBECACHEDIR": str(cache / "kubectl"),
            "HELM_CACHE_HOME": str(cache / "helm" / "cache"),
            "HELM_CONFIG_HOME": str(cache / "helm" / "config"),
            "HELM_DATA_HOME": str(cache / "helm" / "data"),
        }
