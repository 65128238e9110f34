"""Package energy of the processor from the kernel's powercap files, where this pod may read them.

The counter is the node's, so this pod gets its share by CPU time, after idle power is taken off first: idle belongs to
the reserved time, like in the modelled figure, and the remainder is a lower bound because the profile's idle watts are
the whole host's. The files are root's since Linux 5.10 and absent in most virtual machines: then there is no RAPL.
"""

from dataclasses import dataclass, field
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


def counted(before: int, after: int, wraps_at: int) -> int:
    """Microjoules between two readings of a counter that starts again at zero."""
    return after - before if after >= before else after + wraps_at - before


@dataclass
class Rapl:
    """The package counters of a node; `readable` says whether there are any."""

    root: Path = POWERCAP
    idle_watts: float = 0.0
    _last: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._last = {zone: value for zone in self._zones() if (value := self._read(zone, "energy_uj")) is not None}
        self._busy = node_busy_seconds()

    @property
    def readable(self) -> bool:
        """Whether this pod can read a counter."""
        return bool(self._last)

    def pod_joules(self, seconds: float, cpu_seconds: float) -> float | None:
        """This pod's joules above idle since the last call, by its share of the node's CPU time."""
        if not self._last:
            return None
        joules = 0.0
        for zone, before in self._last.items():
            after = self._read(zone, "energy_uj")
            if after is None:
                return None
            joules += counted(before, after, self._read(zone, "max_energy_range_uj") or 2**32) / 1e6
            self._last[zone] = after
        busy = node_busy_seconds()
        share = min(1.0, cpu_seconds / (busy - self._busy)) if busy > self._busy else 0.0
        self._busy = busy
        return max(0.0, joules - self.idle_watts * seconds) * share

    def _zones(self) -> list[Path]:
        packages = [zone for zone in self.root.glob("intel-rapl:*") if zone.name.count(":") == 1]
        return sorted(zone for zone in packages if (self._text(zone, "name") or "").startswith("package"))

    def _read(self, zone: Path, name: str) -> int | None:
        text = self._text(zone, name)
        return int(text) if text and text.isdigit() else None

    @staticmethod
    def _text(zone: Path, name: str) -> str | None:
        try:
            return (zone / name).read_text().strip()
        except OSError:
            return None


def node_busy_seconds(stat: Path = Path("/proc/stat")) -> float:
    """CPU seconds that the node's processors were not idle, since it started; 0 where it is not told."""
    try:
        fields = [int(value) for value in stat.read_text().split("\n", 1)[0].split()[1:9]]
    except (OSError, ValueError):
        return 0.0
    user, nice, system, _idle, _iowait, irq, soft, steal = (fields + [0] * 8)[:8]
    return (user + nice + system + irq + soft + steal) / 100
