"""How many cores this container may use: its limit, which no library looks at by itself."""

import os
from pathlib import Path


def cpu_limit(cgroup: Path = Path("/sys/fs/cgroup")) -> float:
    """Cores that the container's limit allows, or all that the process may run on."""
    cores = float(len(os.sched_getaffinity(0)))
    for quota, period in (_v2(cgroup), _v1(cgroup)):
        if quota > 0 and period > 0:
            return min(cores, quota / period)
    return cores


def _v2(cgroup: Path) -> tuple[int, int]:
    return _pair(cgroup / "cpu.max")


def _v1(cgroup: Path) -> tuple[int, int]:
    quota, _ = _pair(cgroup / "cpu/cpu.cfs_quota_us")
    period, _ = _pair(cgroup / "cpu/cpu.cfs_period_us")
    return quota, period


def _pair(path: Path) -> tuple[int, int]:
    try:
        fields = [int(field) for field in path.read_text().split() if field.lstrip("-").isdigit()]
    except OSError:
        fields = []
    return (fields[0] if fields else 0, fields[1] if len(fields) > 1 else 0)
