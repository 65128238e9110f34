"""CPU seconds of this program and everything it started, and what they mean in joules.

The process tree is read from /proc rather than the container's cgroup, because it is the same on cgroup v1 and v2 and
outside a container. Not seen: the init step (it leaves its own figure), the pause container and the kernel's threads.
"""

import os
import resource
from pathlib import Path

from coppice.api.run import RunMeter

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def process_tree_cpu_seconds(root: int | None = None) -> float:
    """User and system seconds of a process, its children that ended and its descendants that live."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime
    parents = _processes()
    return seconds + sum(parents[pid][1] for pid in _descendants(root or os.getpid(), parents))


def modelled_cpu_joules(cpu_seconds: float, meter: RunMeter) -> float | None:
    """CPU seconds x (peak - idle) watts / cores; None where the ComputeProfile leaves one of them open.

    Host idle power is not part of it: it belongs to the reserved time, which a pod does not see.
    """
    if meter.host_peak_watts is None or meter.host_idle_watts is None or not meter.host_cores:
        return None
    return cpu_seconds * float(meter.host_peak_watts - meter.host_idle_watts) / meter.host_cores


def _processes() -> dict[int, tuple[int, float]]:
    """Parent and CPU seconds (with those of its ended children) of every visible process."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # ended between listing and reading
            found[int(entry.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS_PER_SECOND)
    return found


def _descendants(root: int, processes: dict[int, tuple[int, float]]) -> set[int]:
    inside: set[int] = set()
    layer = {root}
    while layer:
        layer = {pid for pid, (parent, _) in processes.items() if parent in layer} - inside
        inside |= layer
    return inside
