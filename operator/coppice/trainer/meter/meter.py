"""The meter of a pod: a thread that samples every few seconds and knows the sums at any moment."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

from coppice.api.base import rounded
from coppice.api.result import Usage
from coppice.api.run import RunMeter
from coppice.api.vocabulary import Component, Grade
from coppice.trainer.meter.cpu import modelled_cpu_joules, process_tree_cpu_seconds
from coppice.trainer.meter.nvml import Nvml
from coppice.trainer.meter.rapl import Rapl
from coppice.trainer.meter.slots import Sample, Slots

SAMPLE_SECONDS = 10.0


class Meter:
    """Samples energy while it is entered; `beat` is called after every sample."""

    def __init__(self, figures: RunMeter, *, beat: Callable[[], None] | None = None) -> None:
        self._figures = figures
        self._beat = beat
        self._rapl = Rapl(idle_watts=float(figures.host_idle_watts or 0))
        self._nvml = Nvml()
        self._slots = Slots()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="meter", daemon=True)
        self._started = self._last = time.time()
        self._cpu = 0.0
        self._earlier_cpu = 0.0
        self._earlier_seconds = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def accelerator(self) -> str:
        """Names of the accelerators seen, or empty."""
        return ", ".join(sorted(set(self._nvml.names)))[:64]

    def add_init_step(self, started: float, seconds: float, cpu_seconds: float) -> None:
        """Counts what the fetch step used before this program started."""
        if seconds <= 0:
            return
        with self._lock:
            self._earlier_cpu += cpu_seconds
            self._earlier_seconds += seconds
            self._started = min(self._started, started)
            self._add_modelled(cpu_seconds, started, started + seconds)

    def usage(self) -> Usage:
        """Everything until now."""
        self._sample()
        with self._lock:
            return Usage(
                started_at=datetime.fromtimestamp(int(self._started), tz=UTC),
                ended_at=datetime.fromtimestamp(int(self._last), tz=UTC),
                run_seconds=rounded(self._last - self._started),
                cpu_seconds=rounded(self._cpu + self._earlier_cpu),
                energy=self._slots.energy(self._last - self._started),
            )

    def _run(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self._sample()
            if self._beat:
                self._beat()

    def _sample(self) -> None:
        with self._lock:
            now, cpu = time.time(), process_tree_cpu_seconds()
            # A child that ends between the two readings of the tree can make it look smaller for a moment.
            used, seconds, since = max(0.0, cpu - self._cpu), max(0.0, now - self._last), self._last
            self._cpu, self._last = max(cpu, self._cpu), now
            measured = self._rapl.pod_joules(seconds, used) if self._rapl.readable else None
            if measured is None:
                self._add_modelled(used, since, now)
            else:
                self._slots.add(Sample(Component.CPU, Grade.MEASURED, "rapl", since, now, measured))
            accelerator = self._nvml.joules(seconds)
            if accelerator is not None:
                source = self._nvml.source
                self._slots.add(Sample(Component.ACCELERATOR, Grade.MEASURED, source, since, now, accelerator))

    def _add_modelled(self, cpu_seconds: float, start: float, end: float) -> None:
        joules = modelled_cpu_joules(cpu_seconds, self._figures)
        if joules is not None:
            self._slots.add(Sample(Component.CPU, Grade.MODELLED, "cpu-seconds", start, end, joules))
