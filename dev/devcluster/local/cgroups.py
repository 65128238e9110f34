"""The cluster's control groups: one directory in every hierarchy, made before the kubelet and removed after it.

They are the one kernel object that does not vanish with the processes, hence the explicit removal.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

REMOVAL_SECONDS = 20.0


def hierarchies(mounts: str) -> list[Path]:
    """The mount points of all cgroup hierarchies, from the text of /proc/mounts."""
    fields = [line.split() for line in mounts.splitlines()]
    return [Path(field[1]) for field in fields if len(field) > 2 and field[2] in {"cgroup", "cgroup2"}]


def groups(name: str) -> list[Path]:
    """The cluster's directory in every hierarchy of this machine."""
    return [root / name for root in hierarchies(Path("/proc/mounts").read_text())]


def create(name: str) -> None:
    """Make the cluster's group everywhere; a new cpuset of cgroup v1 starts empty and takes its parent's."""
    for group in groups(name):
        group.mkdir(exist_ok=True)
        for file in ("cpuset.cpus", "cpuset.mems"):
            target, parent = group / file, group.parent / file
            if target.exists() and parent.exists() and not target.read_text().strip():
                target.write_text(parent.read_text())


def remove(name: str) -> list[Path]:
    """Remove the cluster's groups, innermost first; return those that would not go."""
    deadline = time.monotonic() + REMOVAL_SECONDS
    while True:
        left = [group for group in groups(name) if group.exists() and not _remove_tree(group)]
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.2)  # a group stays busy for a moment after its last process is killed


def _remove_tree(group: Path) -> bool:
    for directory, _, _ in os.walk(group, topdown=False):
        try:
            Path(directory).rmdir()
        except OSError:
            return False
    return True
